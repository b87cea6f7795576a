/** The path of the issuer, which begins all paths of the server; empty if it has none. */
export const base = document.documentElement.dataset.base ?? ''

/** The path below which the pages of the console are. */
export const consolePath = `${base}/console`
