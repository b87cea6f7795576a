import type { Argument, Command, Option } from 'commander'
import { fileVariableOf, flattenSettings, mayBeFile, type Setting } from '../config/setting.js'
import { settings } from '../config/settings.js'
import { exitCodes } from './exit-codes.js'
import { createProgram } from './program.js'

const generated = '<!-- Written by npm run reference; a test holds it to the program. -->'

/** Returns the text of docs/configuration.md, from the table that the program reads settings by. */
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

/** docs/cli.md: every command with its arguments and options, from the parser itself. */
export function commandReference(): string {
  const context = { stdout: { write: () => true }, stderr: { write: () => true } }
  const program = createProgram(context as unknown as NodeJS.Process)
  return `# The command line

${generated}

\`npx latchkey <command>\`. Commands take the same [settings](configuration.md) as the server, work beside running servers, and are heard of by them within
\`LATCHKEY_MAX_STALENESS\`. No secret is ever an argument, where a list of processes would show it: passwords and tokens are read from the terminal without echo or
from standard input.

| exit code | says |
| --- | --- |
| ${exitCodes.done} | done |
| ${exitCodes.failed} | it failed, or found something wrong: standard error says what, with a code and what to do |
| ${exitCodes.usage} | the command cannot be meant so, or needs a confirmation; nothing was done |
| ${exitCodes.configuration} | the environment cannot be used; the same start will fail again |
| ${exitCodes.interrupted} | told to stop (SIGINT, SIGTERM); what was done holds, and standard error says how to go on |

What ends sessions or deletes asks first. Where standard input is no terminal it is refused without \`--yes\`. Results are on standard output, everything else on standard
error; with \`--json\` a result is one line of JSON. Long work shows a bar with its rate and the time left at a terminal, and else a line every five seconds.

${leavesOf(program).map(describe).join('\n')}`
}

function leavesOf(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf)
}

function describe(command: Command): string {
  const words = [...ancestorsOf(command), command].map((each) => each.name())
  const syntax = [...words, ...command.registeredArguments.map(place)].join(' ')
  const rows = [
    ...command.registeredArguments.map((argument) => [place(argument), argument.description]),
    ...command.options.map((option) => [option.flags, optionText(option)]),
  ]
  const table = rows.length === 0 ? '' : `\n| | |\n| --- | --- |\n${rows.map(row).join('\n')}\n`
  return `## ${words.slice(1).join(' ')}\n\n\`${syntax}\`\n\n${sentence(command.description())}\n${table}`
}

function row([flags = '', text = '']: readonly (string | undefined)[]): string {
  return `| \`${flags}\` | ${cell(text)} |`
}

function ancestorsOf({ parent }: Command): readonly Command[] {
  return parent === null ? [] : [...ancestorsOf(parent), parent]
}

function place(argument: Argument): string {
  return argument.required ? `<${argument.name()}>` : `[${argument.name()}]`
}

function optionText({ description, argChoices }: Option): string {
  return argChoices === undefined ? description : `${description}; one of ${argChoices.join(', ')}`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
