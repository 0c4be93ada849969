/** Names a cluster that nobody asks, for providers that are stand-ins. */
export const kubeconfig = JSON.stringify({
  apiVersion: "v1",
  kind: "Config",
  "current-context": "test",
  clusters: [{ name: "test", cluster: { server: "https://127.0.0.1:6443" } }],
  contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
  users: [{ name: "test", user: { token: "none" } }],
});
