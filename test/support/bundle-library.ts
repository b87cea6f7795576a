import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../packages/latchkey/scripts/bundle.mjs', import.meta.url))

/** Bundles the library, so that tests which import `latchkey` get its current state. */
export default function bundleLibrary(): void {
  execFileSync(process.execPath, [program], { stdio: 'inherit' })
}
