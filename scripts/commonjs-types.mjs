import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A relative import in a declaration file that `tsc` has written. */
const relativeImport = /(["'])(\.{1,2}\/[^"']+)\.js\1/g

/**
 * Returns the declarations for CommonJS of these entries, by their path in `dist/`: copies of the
 * `.d.ts` files that `tsc` has written and that the entries reach. TypeScript takes the module
 * system of a declaration file from its suffix, so that each system needs files of its own.
 * Declarations that are missing, because `tsc` has not run, are left out.
 */
export function commonjsTypes(dist, entries) {
  const types = new Map()
  const pending = entries.map((entry) => `${entry}.d.ts`)
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const target = path.replace(/\.ts$/, '.cts')
    if (types.has(target) || !existsSync(join(dist, path))) continue
    const text = readFileSync(join(dist, path), 'utf8')
    types.set(target, text.replaceAll(relativeImport, '$1$2.cjs$1'))
    for (const [, , reached] of text.matchAll(relativeImport)) pending.push(`${join(dirname(path), reached)}.d.ts`)
  }
  return types
}
