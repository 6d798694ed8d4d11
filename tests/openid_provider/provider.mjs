// A real OpenID provider with one client. Usage: node provider.mjs PORT URL-OF-THE-APPLICATION
// Whatever is typed as a name is the user who logs in; any password is right.
import Provider from "oidc-provider";

const [port, application] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "shop",
      client_secret: process.env.PROVIDER_SECRET,
      redirect_uris: [`${application}/callback`, `${application}/confirmed`],
      post_logout_redirect_uris: [`${application}/logged-out`],
      backchannel_logout_uri: `${application}/back-channel-logout`,
      backchannel_logout_session_required: true,
    },
  ],
  features: { backchannelLogout: { enabled: true } },
  // By itself it sends nothing to a machine of its own network, as the application is here.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
});
provider.on("backchannel.error", (_, error) => console.log("back-channel error:", error));
provider.on("server_error", (_, error) => console.log("server error:", error));
provider.listen(Number(port), "127.0.0.1", () => console.log("serves"));
