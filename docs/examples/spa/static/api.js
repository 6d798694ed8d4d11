let csrfToken = null;

export async function call(method, path, body) {
  const answer = await fetch(path, {
    method,
    credentials: "include", // also to another origin
    headers: { Accept: "application/json", "Content-Type": "application/json",
               ...(csrfToken && { "X-CSRFToken": csrfToken }) },
    body: body && JSON.stringify(body),
  });
  const data = await answer.json();
  if (data.csrf_token) csrfToken = data.csrf_token;
  if (answer.status === 401) dispatchEvent(new CustomEvent("logged-out", { detail: data.reason }));
  if (!answer.ok) throw new Error(data.reason ?? answer.statusText);
  return data;
}

export const whoami = () => call("GET", "/api/session");
export const login = (name, password) => call("POST", "/api/session", { name, password });
export const logout = () => call("DELETE", "/api/session");
