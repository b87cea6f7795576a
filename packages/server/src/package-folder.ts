/** The folder of this package. This file is one level below it in `src/`, `dist/` and `bundle/`. */
export const packageFolder = new URL('..', import.meta.url)
