import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Copies programs of this machine, and the libraries that they are linked with, to the same places below `root`; besides, all of glibc. */
export function copyPrograms(root: string, programs: readonly string[]): void {
  const paths = programs.map(pathOf)
  const libraries = new Set(paths.flatMap(librariesOf))
  for (const path of [...paths, ...libraries, ...[...libraries].flatMap(restOfGlibc)]) copyFile(path, join(root, path))
}

/** Copies a file or a folder, as what it really is, to another place. What is not there is left out. */
export function copyFile(from: string, to: string): void {
  if (!existsSync(from)) return
  mkdirSync(dirname(to), { recursive: true })
  cpSync(realpathSync(from), to, { recursive: true, verbatimSymlinks: true })
}

/** Where the PATH has a program. */
export function pathOf(program: string): string {
  return execFileSync('sh', ['-c', 'command -v "$0"', program], { encoding: 'utf8' }).trim()
}

/** Programs that are loaded later, such as native modules, find the parts of glibc that the first one did without. */
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
