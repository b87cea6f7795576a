import { execFileSync, spawnSync } from 'node:child_process'

/**
 * A lock for the processes of the test files, because `apt-get update` does not wait for another
 * one.
 */
const lockFile = '/var/lock/latchkey-tests-install'

/**
 * Ensures that a program is installed. On Debian, as root, it installs the packages of a missing
 * program. Otherwise it throws an error that names the packages.
 */
export function requireProgram(program: string, debianPackages: string): void {
  if (isInstalled(program)) return
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
  if (!isInstalled(program)) {
    throw new Error(`The tests need ${program}. Install it (Debian and Ubuntu: apt-get install ${debianPackages}).`)
  }
}

function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', program], { stdio: 'ignore' }).status === 0
}
