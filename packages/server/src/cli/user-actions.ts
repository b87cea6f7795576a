import type { Command } from 'commander'
import type { Account } from '../accounts/account-table.js'
import type { AdminDomain } from '../admin/open-admin.js'
import { operator } from '../audit/operator.js'
import type { CommandContext } from './command-context.js'
import { confirm, yesOption } from './terminal/confirm.js'
import { jsonOption, print } from './terminal/print.js'
import { withService } from './with-service.js'

interface ActionOptions {
  readonly yes?: boolean
  readonly json?: boolean
}

interface UserAction {
  readonly name: string
  readonly description: string
  /** The verb of the confirmation; absent where the action can be undone. */
  readonly question?: string
  readonly act: (service: Pick<AdminDomain, 'administration' | 'factorResets'>, account: Account) => Promise<unknown>
  readonly done: string
}

const actions: readonly UserAction[] = [
  {
    name: 'disable',
    description: 'disable an account: its sessions and tokens end, and signing in to it is refused',
    question: 'Disable',
    act: ({ administration }, { id }) => administration.disable(operator, id),
    done: 'is disabled; its sessions and tokens have ended',
  },
  {
    name: 'enable',
    description: 'enable an account again; sessions and tokens that ended stay ended',
    act: ({ administration }, { id }) => administration.enable(operator, id),
    done: 'is enabled',
  },
  {
    name: 'verify',
    description: 'mark the address of an account as verified',
    act: ({ administration }, { id }) => administration.verifyEmail(operator, id),
    done: 'has a verified address',
  },
  {
    name: 'reset-factors',
    description: 'remove all factors and recovery codes of an account, for an owner who has lost them',
    question: 'Remove all factors of',
    act: ({ factorResets }, { id }) => factorResets.reset(operator, id),
    done: 'has no second factor any more; its sessions and tokens have ended',
  },
  {
    name: 'cancel-factor-reset',
    description: 'cancel the reset of the factors of an account that waits for LATCHKEY_FACTOR_RESET_DELAY',
    act: ({ factorResets }, { id }) => factorResets.cancel(operator, id),
    done: 'keeps its factors: the reset is cancelled',
  },
  {
    name: 'delete',
    description: 'delete an account, its sessions and its secret',
    question: 'Delete',
    act: ({ administration }, { id }) => administration.delete(operator, id),
    done: 'is deleted',
  },
]

/** Adds `latchkey users disable|enable|verify|reset-factors|cancel-factor-reset|delete <user>`. */
export function addUserActions(parent: Command, context: CommandContext): void {
  for (const action of actions) addAction(parent, action, context)
}

function addAction(
  parent: Command,
  { name, description, question, act, done }: UserAction,
  context: CommandContext,
): void {
  const command = parent
    .command(name)
    .description(description)
    .argument('<user>', 'ID or e-mail address')
    .option(...jsonOption)
  if (question !== undefined) command.option(...yesOption)
  command.action((user: string, options: ActionOptions) =>
    withService(context, async ({ administration, factorResets, adminCreation }) => {
      const account = await administration.find(user)
      if (question !== undefined) await confirm(`${question} ${account.email}?`, options, context)
      await act({ administration, factorResets }, account)
      const json = { id: account.id, email: account.email, done: name }
      const warning = account.role === 'admin' && !(await adminCreation.hasAdmin()) ? `\n${noAdministrator}` : ''
      print({ json, text: `${account.email} ${done} (account ${account.id}).${warning}` }, options, context)
    }),
  )
}

const noAdministrator = 'No administrator is left: create one with "latchkey admin create".'
