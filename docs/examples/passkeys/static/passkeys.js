const post = async (url, body) => {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error("That did not work.");
  return answer.json();
};

// A button says what it does, where to ask and where to answer.
for (const button of document.querySelectorAll("[data-passkey]")) {
  button.addEventListener("click", async () => {
    const { passkey, options, send } = button.dataset;
    try {
      const asked = await post(options, {});
      const publicKey =
        passkey === "create"
          ? PublicKeyCredential.parseCreationOptionsFromJSON(asked)
          : PublicKeyCredential.parseRequestOptionsFromJSON(asked);
      const credential = await navigator.credentials[passkey]({ publicKey });
      location.assign((await post(send + location.search, credential.toJSON())).next);
    } catch (error) {
      document.querySelector("#message").textContent = error.message;
    }
  });
}
