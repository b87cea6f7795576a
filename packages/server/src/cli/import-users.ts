import { createReadStream, openSync, type ReadStream, statSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { type ImportTally, importUsers } from '../admin/import-users.js'
import { StartupFailure } from '../startup-failure.js'
import type { CommandContext } from './command-context.js'
import { type ImportFormat, readImport } from './read-import.js'
import { interrupted, interruption } from './terminal/interruption.js'
import { jsonOption, print } from './terminal/print.js'
import { Progress, quantity } from './terminal/progress.js'
import { withService } from './with-service.js'

interface ImportCommand {
  readonly format?: ImportFormat
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** `latchkey users import [file]`: makes accounts of what another system has kept, with the hashes of their passwords. */
export function addImportUsers(parent: Command, context: CommandContext): void {
  parent
    .command('import')
    .description(
      'make accounts of users of another system, with their IDs, dates and password hashes; those that exist are passed over, so that an import can be repeated',
    )
    .argument(
      '[file]',
      'JSON lines, or CSV with a first line that names the columns: id, email, name, role, created_at, last_login_at, email_verified, email_verified_at, disabled, disabled_at, password_hash; all but email may be left out; by default standard input',
    )
    .addOption(
      new Option('--format <format>', 'by default csv for a file of that name, else jsonl').choices(['jsonl', 'csv']),
    )
    .option('--dry-run', 'say what would be done, and do nothing')
    .option(...jsonOption)
    .action((file: string | undefined, command: ImportCommand) => importFrom(file, command, context))
}

async function importFrom(file: string | undefined, command: ImportCommand, context: CommandContext): Promise<void> {
  const stream = file === undefined ? undefined : openFile(file)
  const format = command.format ?? (file?.endsWith('.csv') === true ? 'csv' : 'jsonl')
  const unit = stream === undefined ? 'users' : 'bytes'
  const progress = new Progress(context, { label: 'import', unit, total: stream?.size })
  const signal = interruption(context)
  const tally = await withService(context, (service) =>
    importUsers(service, readImport(stream?.input ?? context.stdin, format), {
      dryRun: command.dryRun === true,
      signal,
      onFault: (line, fault) => progress.note(`line ${line}: ${fault}`),
      onProgress: ({ imported }) => progress.update(stream?.input.bytesRead ?? imported),
    }),
  )
  progress.end()
  report(tally, command, context)
  if (signal.aborted) throw interrupted('What is said above was done.', 'Run the same command again to go on.')
  if (tally.invalid > 0) throw incomplete(tally)
}

function report(tally: ImportTally, command: ImportCommand, context: CommandContext): void {
  const { imported, present, invalid } = tally
  const verb = command.dryRun === true ? 'would be imported' : 'imported'
  const text = `${quantity(imported, 'users')} ${verb}, ${present} present already, ${invalid} cannot be imported.`
  print({ json: { ...tally, dry_run: command.dryRun === true }, text }, command, context)
}

function openFile(file: string): { readonly input: ReadStream; readonly size: number } {
  try {
    // Opened here, so that what is wrong with the file is said before anything else.
    return { input: createReadStream(file, { fd: openSync(file, 'r') }), size: statSync(file).size }
  } catch (error) {
    throw new StartupFailure('command_refused', `${file} cannot be read.`, 'Check the name of the file.', error)
  }
}

function incomplete({ invalid }: ImportTally): StartupFailure {
  const hint = 'Correct the lines named above, and run the same command again: what was imported is passed over.'
  return new StartupFailure('import_incomplete', `${quantity(invalid, 'lines')} could not be imported.`, hint)
}
