import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { requireProgram } from '../../support/installed-program.js'
import { Page } from '../../support/page.js'
import { installedBinaries, type RunAs } from '../../support/postgres-binaries.js'

const latchkeyCommand = fileURLToPath(new URL('../../../packages/server/bin/latchkey.js', import.meta.url))

/** The commands of a page in `docs/`, which a test runs like an operator, heading by heading. */
export class Runbook {
  readonly #page: Page
  readonly #bin = mkdtempSync(join(tmpdir(), 'latchkey-bin-'))

  /** `programs` are shell scripts by name, for programs that this machine lacks. */
  constructor(page: string, programs: Readonly<Record<string, string>> = {}) {
    requireProgram('psql', 'postgresql')
    this.#page = Page.at(`docs/guides/${page}`)
    writeFileSync(join(this.#bin, 'latchkey'), `#!/bin/sh\nexec '${process.execPath}' '${latchkeyCommand}' "$@"\n`)
    chmodSync(this.#bin, 0o755)
    for (const [name, script] of Object.entries(programs)) writeFileSync(join(this.#bin, name), script)
    for (const name of ['latchkey', ...Object.keys(programs)]) chmodSync(join(this.#bin, name), 0o755)
  }

  /**
   * Runs the commands below a heading, and returns their output. Throws an error with the output
   * unless all of them succeed.
   */
  async run(heading: string, env: Readonly<Record<string, string>>, user?: RunAs): Promise<string> {
    const path = [this.#bin, installedBinaries() ?? '', process.env.PATH ?? ''].join(delimiter)
    const child = spawn('bash', ['-e', '-u', '-o', 'pipefail', '-c', this.#page.take('sh', heading).join('\n')], {
      env: { ...env, PATH: path, HOME: tmpdir() },
      cwd: env.BACKUPS ?? tmpdir(),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...user,
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)))
    const [code] = await once(child, 'close')
    if (code !== 0) throw new Error(`"${heading}" ended with ${code}:\n${output}`)
    return output
  }

  dispose(): void {
    rmSync(this.#bin, { recursive: true })
  }
}
