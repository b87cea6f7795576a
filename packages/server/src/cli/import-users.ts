import { createReadStream, openSync, type ReadStream, statSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { type ImportTally, importUsers } from '../admin/import-users.js'
import { quantity } from '../quantity.js'
import { StartupFailure } from '../startup-failure.js'
import type { CommandContext } from './command-context.js'
import { type ImportFormat, readImport } from './read-import.js'
import { interrupted, interruption } from './terminal/interruption.js'
import { jsonOption, print } from './terminal/print.js'
import { Progress } from './terminal/progress.js'
import { withNewService } from './with-service.js'

interface ImportCommand {
  readonly format?: ImportFormat
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** Adds `latchkey users import [file]`. */
export function addImportUsers(parent: Command, context: CommandContext): void {
  parent
    .command('import')
    .description(
      'create accounts for the users of another system, with their IDs, dates and password hashes; existing accounts are skipped, so that an import can be repeated',
    )
    .argument(
      '[file]',
      'JSON lines, or CSV with a first line that names the columns: id, email, name, role, created_at, last_login_at, email_verified, email_verified_at, disabled, disabled_at, password_hash; only email is required; without a file, standard input is read',
    )
    .addOption(
      new Option(
        '--format <format>',
        'the format; without it, csv for a file whose name ends with .csv, else jsonl',
      ).choices(['jsonl', 'csv']),
    )
    .option('--dry-run', 'print what would be done, and do nothing')
    .option(...jsonOption)
    .action((file: string | undefined, command: ImportCommand) => importFrom(file, command, context))
}

async function importFrom(file: string | undefined, command: ImportCommand, context: CommandContext): Promise<void> {
  const stream = file === undefined ? undefined : openFile(file)
  const format = command.format ?? (file?.endsWith('.csv') === true ? 'csv' : 'jsonl')
  const unit = stream === undefined ? 'users' : 'bytes'
  const progress = new Progress(context, { label: 'import', unit, total: stream?.size })
  const signal = interruption(context)
  const tally = await withNewService(context, (service) =>
    importUsers(service, readImport(stream?.input ?? context.stdin, format), {
      dryRun: command.dryRun === true,
      signal,
      onFault: (line, fault) => progress.note(`line ${line}: ${fault}`),
      onProgress: ({ imported }) => progress.update(stream?.input.bytesRead ?? imported),
    }),
  )
  progress.end()
  report(tally, command, context)
  if (signal.aborted)
    throw interrupted('The users counted above were imported.', 'Run the same command again to go on.')
  if (tally.invalid > 0) throw incomplete(tally)
}

function report(tally: ImportTally, command: ImportCommand, context: CommandContext): void {
  const { imported, present, invalid } = tally
  const verb = command.dryRun === true ? 'would be imported' : 'imported'
  const text = `${quantity(imported, 'users')} ${verb}, ${present} already present, ${invalid} invalid.`
  print({ json: { ...tally, dry_run: command.dryRun === true }, text }, command, context)
}

function openFile(file: string): { readonly input: ReadStream; readonly size: number } {
  try {
    // Opened here, so that a fault of the file is reported before the database is opened.
    return { input: createReadStream(file, { fd: openSync(file, 'r') }), size: statSync(file).size }
  } catch (error) {
    throw new StartupFailure('command_refused', `${file} cannot be read.`, 'Check the name of the file.', error)
  }
}

function incomplete({ invalid }: ImportTally): StartupFailure {
  const hint = 'Correct the lines named above, and run the same command again: imported users are skipped.'
  return new StartupFailure('import_incomplete', `${quantity(invalid, 'lines')} could not be imported.`, hint)
}
