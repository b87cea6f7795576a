import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The size of packages with everything that npm installs for them. */
export interface InstallSize {
  readonly bytes: number
  readonly packages: number
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

/** Adds up the installed packages that these ones need. */
export function installSize(names: readonly string[]): InstallSize {
  const folders = new Set<string>()
  for (const name of names) collect(name, fileURLToPath(new URL('.', import.meta.url)), folders)
  const bytes = [...folders].reduce((sum, folder) => sum + sizeOf(folder), 0)
  return { bytes, packages: folders.size }
}

/** Adds the folder of a package and of all that it needs. Platform builds may be absent. */
function collect(name: string, from: string, folders: Set<string>): void {
  const folder = find(name, from)
  if (folder === undefined || folders.has(folder)) return
  folders.add(folder)
  for (const needed of neededBy(readManifest(folder))) collect(needed, folder, folders)
}

function neededBy(manifest: Manifest): readonly string[] {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifest
  const peers = Object.keys(peerDependencies).filter((peer) => peerDependenciesMeta[peer]?.optional !== true)
  return [...Object.keys(dependencies), ...Object.keys(optionalDependencies), ...peers]
}

/** Returns the folder that Node.js would load the package from. */
function find(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate)
    if (folder === dirname(folder)) return undefined
  }
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

function sizeOf(folder: string): number {
  return folder.includes(`${sep}node_modules${sep}`) ? folderSize(folder) : publishedSize(folder)
}

/** Returns the bytes of the files, without packages that are installed inside. */
function folderSize(folder: string): number {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules')
    .reduce((sum, entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return sum + folderSize(path)
      return entry.isFile() ? sum + statSync(path).size : sum
    }, 0)
}

/** Returns the bytes of the files of a workspace that npm would publish. */
function publishedSize(folder: string): number {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [report] = JSON.parse(output) as readonly { readonly unpackedSize: number }[]
  return report?.unpackedSize ?? Number.NaN
}
