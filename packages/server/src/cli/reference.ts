import { posix } from 'node:path'
import type { Argument, Command, Option } from 'commander'
import { fileVariableOf, flattenSettings, mayBeFile, type Setting } from '../config/setting.js'
import { settings } from '../config/settings.js'
import { commandPath, helpOf, leavesOf } from './command-help.js'
import { exitCodes } from './exit-codes.js'
import { createProgram } from './program.js'

const generated = '<!-- Written by npm run reference; a test holds it to the program. -->'

/**
 * Returns the text of docs/reference/configuration.md, from the table that the program reads
 * settings by.
 */
export function configurationReference(): string {
  return `# Configuration

${generated}

The server and every command read their settings from environment variables and nowhere else.
Without any, they use an embedded database in \`${settings.database.folder.default}\`.

- An empty variable counts as an absent one.
- A file may hold a secret, and every other value with two names below: the variable with \`_FILE\`
  at the end of its name is the path of the file, as containers and services mount secrets
  (\`LoadCredential\` of systemd, Docker secrets, Kubernetes volumes). White space at the ends of the
  file is ignored. Setting both variables is an error.
- The program reports all faults at once, each with what to do, and ends with exit code
  ${exitCodes.configuration}. A supervisor need not start it again.
- \`latchkey doctor\` checks what the settings lead to.
- With \`NODE_ENV=production\`, standard output is JSON lines alone.

| variable | decides | must be | default |
| --- | --- | --- | --- |
${flattenSettings(settings).map(settingRow).join('\n')}
`
}

function settingRow(setting: Setting<unknown>): string {
  const { name, description, accepts } = setting
  const names = mayBeFile(setting) ? `\`${name}\`<br>\`${fileVariableOf(name)}\`` : `\`${name}\``
  return `| ${names} | ${cell(description)} | ${cell(accepts)} | ${cell(defaultText(setting))} |`
}

/** Returns the default in words, or as the text that the variable would have. */
function defaultText({
  defaultText,
  default: value,
  productionDefault,
  unit,
  format = String,
}: Setting<unknown>): string {
  if (defaultText !== undefined) return defaultText
  const text = unit === 'seconds' ? secondsText(Number(value)) : format(value)
  return productionDefault === undefined ? text : `${text}; ${format(productionDefault)} when NODE_ENV is production`
}

const days = 86_400

/** Returns the number, and days or hours where it is a whole number of them. */
function secondsText(seconds: number): string {
  const [count, unit] = seconds % days === 0 ? [seconds / days, 'day'] : [seconds / 3600, 'hour']
  return count > 0 && Number.isInteger(count) ? `${seconds} (${count} ${unit}${count === 1 ? '' : 's'})` : `${seconds}`
}

/**
 * Returns the text of docs/reference/cli.md: every command with its arguments and options, from the
 * parser itself.
 */
export function commandReference(): string {
  const context = { stdout: { write: () => true }, stderr: { write: () => true } }
  const program = createProgram(context as unknown as NodeJS.Process)
  return `# The command line

${generated}

\`npx latchkey <command>\`. Commands read the same [settings](configuration.md) as the server and work
beside running servers, which apply a change within \`${settings.maxStalenessMs.name}\`. A secret is never
an argument, because the list of processes would show it: commands read passwords and tokens from
the terminal without echo, or from standard input.

| exit code | meaning |
| --- | --- |
| ${exitCodes.done} | done |
| ${exitCodes.failed} | the command failed or found a fault: standard error has a code, a message and what to do |
| ${exitCodes.usage} | the arguments are wrong, or a confirmation is missing; nothing was done |
| ${exitCodes.configuration} | the environment cannot be used; the same start will fail again |
| ${exitCodes.interrupted} | stopped by SIGINT or SIGTERM; standard error says how to go on |

Commands that end sessions or delete something ask first. Where standard input is not a terminal
they are refused without \`--yes\`. Results go to standard output, everything else to standard error.
With \`--json\` a result is one line of JSON, and a list one line for each item. Long work shows its
rate and the time left: a bar at a terminal, else a line every five seconds.

Only \`serve\`, \`migrate\`, \`admin create\`, \`users create\`, \`users import\`, \`users invite\`,
\`clients create\` and \`backup restore\` create an embedded database. Where there is none, the other
commands fail with \`data_missing\`. \`demo\` has a database of its own.

To complete commands with the Tab key, load the script for your shell when it starts:
\`source <(latchkey completion bash)\`, \`source <(latchkey completion zsh)\` or
\`latchkey completion fish | source\`.

${leavesOf(program).map(describe).join('\n')}`
}

function describe(command: Command): string {
  const path = commandPath(command)
  const syntax = ['latchkey', path, ...command.registeredArguments.map(place)].join(' ')
  const rows = [
    ...command.registeredArguments.map((argument) => [place(argument), argumentText(argument)]),
    ...command.options.map((option) => [option.flags, optionText(option)]),
  ]
  const table = rows.length === 0 ? '' : `\n| | |\n| --- | --- |\n${rows.map(row).join('\n')}\n`
  return `## ${path}\n\n\`${syntax}\`\n\n${sentence(command.description())}\n${table}${ending(command)}`
}

/** Returns the example and the link, which the help of the command ends with as well. */
function ending(command: Command): string {
  const found = helpOf(command)
  if (found === undefined) return ''
  const name = posix.basename(found.page)
  const link = posix.relative('docs/reference', found.page)
  return `\n\`\`\`sh\nlatchkey ${found.example}\n\`\`\`\n\nSee [${name}](${link}).\n`
}

function row([flags = '', text = '']: readonly (string | undefined)[]): string {
  return `| \`${flags}\` | ${cell(text)} |`
}

function place(argument: Argument): string {
  return argument.required ? `<${argument.name()}>` : `[${argument.name()}]`
}

function argumentText({ description, argChoices }: Argument): string {
  return withChoices(description, argChoices)
}

function optionText({ description, argChoices, defaultValue }: Option): string {
  const isShown = defaultValue !== undefined && defaultValue !== ''
  return withChoices(isShown ? `${description} (default: ${String(defaultValue)})` : description, argChoices)
}

function withChoices(description: string, choices: readonly string[] | undefined): string {
  return choices === undefined ? description : `${description}; one of ${choices.join(', ')}`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
