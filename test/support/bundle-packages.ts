import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../scripts/bundle.mjs', import.meta.url))

/** Tests that import `latchkey` or run the command get the code as it is now. */
export default function bundlePackages(): void {
  execFileSync(process.execPath, [program], { stdio: 'inherit' })
}
