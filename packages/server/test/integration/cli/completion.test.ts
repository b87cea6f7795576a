import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { blocksLeftOut, Page } from '../../../../../test/support/page.js'
import { helpOf, leavesOf } from '../../../src/cli/command-help.js'
import { createProgram } from '../../../src/cli/program.js'
import { Command } from '../../support/command.js'

const repository = fileURLToPath(new URL('../../../../..', import.meta.url))
const run = (...args: string[]) => new Command(args, {}).finished

/** Returns the commands, whose actions do nothing. */
function idleProgram() {
  const ignored = { write: () => true }
  return createProgram({ stdout: ignored, stderr: ignored } as unknown as NodeJS.Process)
}

/** Returns what bash offers for the words, of which the last one is being typed. */
async function completions(...typed: string[]): Promise<string[]> {
  const { stdout: script } = await run('completion', 'bash')
  const words = ['latchkey', ...typed].map((word) => `'${word}'`).join(' ')
  const commands = `${script}
complete -p latchkey >&2
COMP_WORDS=(${words}) COMP_CWORD=${typed.length}
_latchkey
printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = await promisify(execFile)('bash', ['--norc', '-eu', '-c', commands])
  expect(stderr).toMatch(/-F _latchkey latchkey/)
  return stdout.trimEnd().split('\n')
}

describe('the completion of bash', () => {
  it('offers commands, and the commands of a group', async () => {
    expect(await completions('')).toEqual(expect.arrayContaining(['serve', 'users', 'clients', 'completion']))
    expect(await completions('use')).toEqual(['users'])
    expect(await completions('audit', '')).toEqual(['tail', 'verify', 'export', '--help'])
  })

  it('offers the options of a command, also after its arguments, and the choices of an argument', async () => {
    expect(await completions('users', 'create', '--v')).toEqual(['--verified'])
    expect(await completions('users', 'create', 'ada@example.com', '--j')).toEqual(['--json'])
    expect(await completions('completion', 'b')).toEqual(['bash'])
  })
})

describe.each(['bash', 'zsh', 'fish'])('latchkey completion %s', (shell) => {
  it('knows every command', async () => {
    const { code, stdout } = await run('completion', shell)
    expect(code).toBe(0)
    for (const command of leavesOf(idleProgram())) expect(stdout).toMatch(new RegExp(`\\b${command.name()}\\b`))
  })
})

it('refuses to complete for an unknown shell', async () => {
  expect((await run('completion', 'tcsh')).code).toBe(2)
})

describe('the help of each command', () => {
  const commands = leavesOf(idleProgram())

  it('has an example that the program accepts, and a page that exists', async () => {
    for (const command of commands) {
      const { example, page } = helpOf(command) ?? { example: '', page: '' }
      const program = idleProgram()
      const ran: string[] = []
      for (const leaf of leavesOf(program)) leaf.action(() => void ran.push(leaf.name()))
      const words = [...example.replace(/ [<>] .*$/, '').matchAll(/"([^"]*)"|(\S+)/g)].map(
        ([, quoted, bare]) => quoted ?? bare,
      )
      await program.parseAsync(
        words.filter((word) => word !== undefined),
        { from: 'user' },
      )
      expect([example, ran]).toEqual([example, [command.name()]])
      expect([page, existsSync(`${repository}/${page}`)]).toEqual([page, true])
    }
  })

  it('shows them', async () => {
    const { stdout } = await run('users', 'create', '--help')
    expect(stdout).toMatch(
      /Example:\n {2}latchkey users create ada@example.com --verified\n\nSee docs\/guides\/registration.md\n$/,
    )
  })

  it('is in the reference as the example of the command', () => {
    const shown = Page.at('docs/reference/cli.md').take('sh')
    expect(shown.map((text) => text.trim())).toEqual(commands.map((command) => `latchkey ${helpOf(command)?.example}`))
    expect(blocksLeftOut('docs/reference/cli.md')).toEqual([])
  })
})
