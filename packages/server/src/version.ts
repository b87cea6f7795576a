import { readFileSync } from 'node:fs'

/** Returns the version of this program, from its package. */
export function serverVersion(): string {
  const { version }: { version?: unknown } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  )
  return String(version)
}
