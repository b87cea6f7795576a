import { readFileSync } from 'node:fs'
import { packageFolder } from './package-folder.js'

/** Returns the version of this program, from its package. */
export function serverVersion(): string {
  const { version }: { version?: unknown } = JSON.parse(readFileSync(new URL('package.json', packageFolder), 'utf8'))
  return String(version)
}
