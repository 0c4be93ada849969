/** What to do when a tool of the platform is missing. */
export const installHint = "see `npx upramp doctor` for what is missing and how to get it";
