import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/**
 * Copies programs of this machine, their linked libraries and all of glibc to the same paths below
 * `root`.
 */
export function copyPrograms(root: string, programs: readonly string[]): void {
  const paths = programs.map(pathOf)
  const libraries = new Set(paths.flatMap(librariesOf))
  for (const path of [...paths, ...libraries, ...[...libraries].flatMap(restOfGlibc)]) copyFile(path, join(root, path))
}

/**
 * Copies a file or a folder, with links resolved, to another place. Does nothing when it does not
 * exist.
 */
export function copyFile(from: string, to: string): void {
  if (!existsSync(from)) return
  mkdirSync(dirname(to), { recursive: true })
  cpSync(realpathSync(from), to, { recursive: true, verbatimSymlinks: true })
}

/** Returns the location of a program in the PATH. */
export function pathOf(program: string): string {
  return execFileSync('sh', ['-c', 'command -v "$0"', program], { encoding: 'utf8' }).trim()
}

/**
 * Returns the parts of glibc that a program is not linked with, because native modules that are
 * loaded later may need them.
 */
function restOfGlibc(library: string): readonly string[] {
  if (basename(library) !== 'libc.so.6') return []
  const folder = dirname(library)
  return ['libdl.so.2', 'libm.so.6', 'libpthread.so.0', 'libresolv.so.2', 'librt.so.1'].map((name) =>
    join(folder, name),
  )
}

function librariesOf(path: string): readonly string[] {
  return execFileSync('ldd', [path], { encoding: 'utf8' }).match(/\/\S+\.so\S*/g) ?? []
}
