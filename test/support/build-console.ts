import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Tests in a browser get the console as its sources are now. */
export default function buildConsole(): void {
  const program = 'node_modules/vite/bin/vite.js'
  execFileSync(process.execPath, [program, 'build', 'packages/console', '--logLevel', 'warn'], { cwd: root })
}
