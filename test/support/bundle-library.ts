import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../packages/latchkey/scripts/bundle.mjs', import.meta.url))

/** Everything that imports `latchkey` in a test gets it as it is now. */
export default function bundleLibrary(): void {
  execFileSync(process.execPath, [program], { stdio: 'inherit' })
}
