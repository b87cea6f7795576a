import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Page } from '../../support/page.js'
import { type Manifest, parseManifests } from './kubernetes-manifests.js'

const repository = fileURLToPath(new URL('../../..', import.meta.url))

/** An executed command, with its standard input if there was any. */
export interface Call {
  readonly program: string
  readonly args: readonly string[]
}

/**
 * The stand-in of a program. It records its calls, and answers as `answers.sh` defines. An answer
 * can pass manifests to `record_manifests`; the `#` prevents their last newline from ending the
 * entry. A lock keeps the ends of a pipe from mixing their entries.
 */
const standIn = `#!/bin/bash
record_manifests() { local text; text=$(cat; printf '#'); { flock 9; printf '%s\\0' manifests "$text" $'\\n' >> "$WALK_LOG"; } 9>> "$WALK_LOG.lock"; }
{ flock 9; printf '%s\\0' "\${0##*/}" "$@" $'\\n' >> "$WALK_LOG"; } 9>> "$WALK_LOG.lock"
source "$WALK_ANSWERS"
`

/**
 * Runs commands of a page with bash in a copy of the parts of the repository that they name, with
 * stand-ins for programs that would reach a cloud. Throws an error with the output unless all
 * commands succeed.
 */
export function walk(
  commands: string,
  { programs, answers, env }: { programs: readonly string[]; answers: string; env: Readonly<Record<string, string>> },
): readonly Call[] {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-walk-'))
  try {
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    for (const program of programs) {
      writeFileSync(join(bin, program), standIn)
      chmodSync(join(bin, program), 0o755)
    }
    writeFileSync(join(folder, 'answers.sh'), answers)
    cpSync(join(repository, 'deploy'), join(folder, 'deploy'), { recursive: true })
    const log = join(folder, 'log')
    writeFileSync(log, '')
    const { status, stdout, stderr } = spawnSync('bash', ['-c', commands], {
      cwd: folder,
      encoding: 'utf8',
      input: 'smtp://user:password@mail.example.net:587?requireTLS=true\n',
      env: {
        ...env,
        PATH: [bin, process.env.PATH ?? ''].join(delimiter),
        HOME: folder,
        WALK_LOG: log,
        WALK_ANSWERS: join(folder, 'answers.sh'),
      },
    })
    if (status !== 0) throw new Error(`The commands ended with ${status}:\n${stdout}\n${stderr}`)
    return readFileSync(log, 'utf8')
      .split('\n\0')
      .filter((call) => call !== '')
      .map((call) => {
        const [program = '', ...args] = call.split('\0').slice(0, -1)
        return { program, args }
      })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Returns the manifests of each call of `record_manifests`, in order. */
export function recordedManifests(calls: readonly Call[]): readonly (readonly Manifest[])[] {
  return calls.filter(({ program }) => program === 'manifests').map(({ args: [text = ''] }) => parseManifests(text))
}

/** Takes the commands of the shell blocks of a page in `docs/`, in order. */
export function commandsOf(page: string): string {
  return Page.at(`docs/guides/${page}`).take('sh').join('\n')
}
