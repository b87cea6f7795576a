import { execFileSync, spawnSync } from 'node:child_process'

/**
 * A lock for the processes of the test files, because `apt-get update` does not wait for another
 * one.
 */
const lockFile = '/var/lock/latchkey-tests-install'

/**
 * Ensures that a program is installed, and returns its path. On Debian, as root, it installs the
 * packages of a missing program. Otherwise it throws an error that names the packages.
 */
export function requireProgram(program: string, debianPackages: string): string {
  const installed = pathOf(program)
  if (installed !== undefined) return installed
  if (process.getuid?.() === 0) {
    const install = `apt-get update -qq && apt-get install -o DPkg::Lock::Timeout=120 -qq -y --no-install-recommends ${debianPackages}`
    // Another process may have installed the program in the meantime.
    const script = `command -v ${program} || { ${install}; }`
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    try {
      execFileSync('flock', [lockFile, 'sh', '-c', script], { stdio: 'ignore', env: environment })
    } catch {
      // Said below.
    }
  }
  const path = pathOf(program)
  if (path !== undefined) return path
  throw new Error(`The tests need ${program}. Install it (Debian and Ubuntu: apt-get install ${debianPackages}).`)
}

function pathOf(program: string): string | undefined {
  const { status, stdout } = spawnSync('sh', ['-c', 'command -v "$0"', program], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}
