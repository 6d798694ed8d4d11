// Passkeys: a button with data-passkey is hidden until the browser can do it.
// data-passkey: "get" or "create"; data-options and data-send: where to ask, and where to answer.
(() => {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) return;

  const post = async (url, token, body) => {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify(body),
    });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.error || said.detail || "That did not work.");
    return said;
  };

  const run = async ({ passkey, options, send, token }) => {
    const asked = await post(options, token, {});
    const credential =
      passkey === "create"
        ? await navigator.credentials.create({
            publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked),
          })
        : await navigator.credentials.get({
            publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked),
          });
    const { next } = await post(send, token, credential.toJSON());
    window.location.assign(next);
  };

  for (const button of document.querySelectorAll("[data-passkey]")) {
    const message = document.getElementById("passkey-message");
    button.hidden = false;
    button.addEventListener("click", async () => {
      message.hidden = true;
      button.disabled = true;
      try {
        await run(button.dataset);
      } catch (error) {
        const cancelled = error.name === "NotAllowedError";
        message.textContent = cancelled ? "Nothing was sent." : error.message;
        message.hidden = false;
      }
      button.disabled = false;
    });
  }
})();
