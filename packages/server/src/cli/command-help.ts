import type { Command } from 'commander'

/** The end of a command's help. */
export interface CommandHelp {
  /** The arguments of the example, as a shell reads them. */
  readonly example: string
  /** The page that explains the command, and its section. */
  readonly page: string
}

const help: Readonly<Record<string, CommandHelp>> = {
  serve: { example: 'serve', page: 'docs/reference/configuration.md' },
  demo: { example: 'demo', page: 'docs/guides/console.md' },
  migrate: { example: 'migrate', page: 'docs/guides/operations.md' },
  'admin create': { example: 'admin create ada@example.com', page: 'docs/guides/deploy-laptop.md' },
  'master-keys add': { example: 'master-keys add k2 --to ring.txt', page: 'docs/guides/runbook-master-keys.md' },
  'master-keys promote': {
    example: 'master-keys promote k2 --to ring.txt',
    page: 'docs/guides/runbook-master-keys.md',
  },
  'master-keys drop': { example: 'master-keys drop k1 --to ring.txt', page: 'docs/guides/runbook-master-keys.md' },
  'master-keys list': { example: 'master-keys list', page: 'docs/guides/runbook-master-keys.md' },
  'master-keys wrap': { example: 'master-keys wrap --to wrapped.txt', page: 'docs/guides/deploy-gke.md' },
  'users list': { example: 'users list --search example.com', page: 'docs/reference/api.md' },
  'users create': { example: 'users create ada@example.com --verified', page: 'docs/guides/registration.md' },
  'users import': { example: 'users import users.csv --dry-run', page: 'docs/guides/operations.md' },
  'users invite': { example: 'users invite ada@example.com', page: 'docs/guides/registration.md' },
  'users disable': { example: 'users disable ada@example.com', page: 'docs/reference/api.md' },
  'users enable': { example: 'users enable ada@example.com', page: 'docs/reference/api.md' },
  'users verify': { example: 'users verify ada@example.com', page: 'docs/guides/registration.md' },
  'users reset-factors': { example: 'users reset-factors ada@example.com', page: 'docs/reference/api.md' },
  'users cancel-factor-reset': { example: 'users cancel-factor-reset ada@example.com', page: 'docs/reference/api.md' },
  'users delete': { example: 'users delete ada@example.com', page: 'docs/reference/api.md' },
  'users reset-link': { example: 'users reset-link ada@example.com', page: 'docs/guides/registration.md' },
  'clients create': {
    example: 'clients create "nightly report" --scope "articles:read"',
    page: 'docs/explanation/grants.md',
  },
  'clients list': { example: 'clients list', page: 'docs/explanation/grants.md' },
  'clients rotate': {
    example: 'clients rotate 0198c0de-0000-7000-8000-000000000000 --grace-period 3600',
    page: 'docs/explanation/grants.md',
  },
  'sessions list': { example: 'sessions list ada@example.com', page: 'docs/reference/api.md' },
  'sessions end': { example: 'sessions end 0198c0de-0000-8000-8000-000000000000', page: 'docs/reference/api.md' },
  'secrets list': { example: 'secrets list ada@example.com', page: 'docs/guides/operations.md' },
  'secrets rotate': { example: 'secrets rotate ada@example.com', page: 'docs/guides/operations.md' },
  'secrets revoke': { example: 'secrets revoke ada@example.com', page: 'docs/guides/operations.md' },
  'secrets rotate-all': { example: 'secrets rotate-all --older-than 2026-01-31', page: 'docs/guides/operations.md' },
  'secrets rewrap': { example: 'secrets rewrap', page: 'docs/guides/runbook-master-keys.md' },
  'keys list': { example: 'keys list', page: 'docs/guides/operations.md' },
  'keys rotate': { example: 'keys rotate', page: 'docs/guides/operations.md' },
  'keys replace': { example: 'keys replace', page: 'docs/guides/runbook-master-keys.md' },
  'token inspect': { example: 'token inspect < token.txt', page: 'docs/reference/errors.md' },
  'audit tail': { example: 'audit tail --follow', page: 'docs/guides/operations.md' },
  'audit verify': { example: 'audit verify --head 17:Qm9v', page: 'docs/guides/operations.md' },
  'audit export': { example: 'audit export --since 2026-01-01 > audit.jsonl', page: 'docs/guides/operations.md' },
  'backup create': { example: 'backup create latchkey.db', page: 'docs/guides/runbook-backup.md' },
  'backup record': { example: 'backup record', page: 'docs/guides/runbook-backup.md' },
  'backup restore': { example: 'backup restore latchkey.db', page: 'docs/guides/runbook-backup.md' },
  doctor: { example: 'doctor', page: 'docs/guides/operations.md' },
  completion: { example: 'completion bash', page: 'docs/reference/cli.md' },
}

/** Returns the command without the program's name, such as `users list`. */
export function commandPath(command: Command): string {
  const { parent } = command
  return parent === null ? '' : `${commandPath(parent)} ${command.name()}`.trim()
}

/** Returns the commands below a command that can be run: the leaves of the tree. */
export function leavesOf(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf)
}

/** Returns the example and the page of a command. */
export function helpOf(command: Command): CommandHelp | undefined {
  return help[commandPath(command)]
}

/** Adds an example and the page to the help of every command. */
export function addCommandHelp(program: Command): void {
  for (const command of leavesOf(program)) {
    const found = helpOf(command)
    if (found === undefined) throw new TypeError(`The command "${commandPath(command)}" has no example.`)
    command.addHelpText('after', `\nExample:\n  latchkey ${found.example}\n\nSee ${found.page}`)
  }
}
