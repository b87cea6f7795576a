import { execFileSync, spawnSync } from 'node:child_process'

/** Test files run in processes of their own, and `apt-get update` does not wait for another one's: so they take turns at this file. */
const turnFile = '/var/lock/latchkey-tests-install'

/** Sees to it that a program is there: on Debian, as root, its packages are installed when it is missing. Fails, saying what to install. */
export function requireProgram(program: string, debianPackages: string): void {
  if (isInstalled(program)) return
  if (process.getuid?.() === 0) {
    const install = `apt-get update -qq && apt-get install -o DPkg::Lock::Timeout=120 -qq -y --no-install-recommends ${debianPackages}`
    // Somebody else may have installed it in the meantime.
    const script = `command -v ${program} || { ${install}; }`
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    try {
      execFileSync('flock', [turnFile, 'sh', '-c', script], { stdio: 'ignore', env: environment })
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
