import { execFileSync, spawnSync } from 'node:child_process'

/** Sees to it that a program is there: on Debian, as root, its package is installed when it is missing. Fails, saying what to install. */
export function requireProgram(program: string, debianPackage: string): void {
  if (isInstalled(program)) return
  if (process.getuid?.() === 0) {
    const quietly = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const
    try {
      execFileSync('apt-get', ['update', '-qq'], quietly)
      const options = ['-o', 'DPkg::Lock::Timeout=120', '-qq', '-y', '--no-install-recommends']
      execFileSync('apt-get', ['install', ...options, debianPackage], quietly)
    } catch {
      // Said below.
    }
  }
  if (!isInstalled(program)) {
    throw new Error(`The tests need ${program}. Install it (Debian and Ubuntu: apt-get install ${debianPackage}).`)
  }
}

function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', program], { stdio: 'ignore' }).status === 0
}
