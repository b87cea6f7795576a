import { answer, api } from '../../api/client.js'
import type { operations } from '../../api/schema.js'
import { useAnswer } from '../../api/use-answer.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { Badge } from '../../ui/badge.js'
import { Loaded } from '../../ui/loaded.js'
import { Propagation } from '../../ui/propagation.js'
import { actionTexts, type UserAction } from './action-texts.js'
import type { User } from './use-user-list.js'

type Outcome = operations['changeUsers']['responses'][200]['content']['application/json']['results'][number]

interface BulkDialogProps {
  readonly action: UserAction
  readonly users: readonly User[]
  readonly onClose: () => void
  readonly onDone: () => void
}

/** Shows what an action would do with each account, does it, and shows what it has done. */
export function BulkDialog({ action, users, onClose, onDone }: BulkDialogProps) {
  const { label, effect, isDangerous } = actionTexts[action]
  const ids = users.map(({ id }) => id)
  const send = (dry_run: boolean, signal?: AbortSignal) =>
    answer(
      api.POST('/v1/admin/users/bulk', {
        body: { action, ids, dry_run },
        ...(signal === undefined ? {} : { signal }),
      }),
    )
  const preview = useAnswer(`${action} ${ids.join()}`, (signal) => send(true, signal))
  const run = async () => {
    const done = await send(false)
    onDone()
    return done
  }
  return (
    <ActionDialog
      title={`${label} ${accounts(users.length)}`}
      confirmLabel={`${label} ${accounts(users.length)}`}
      isDangerous={isDangerous}
      run={run}
      result={({ results }) => (
        <>
          <Outcomes results={results} users={users} words={resultWords} />
          <Propagation />
        </>
      )}
      onClose={onClose}
    >
      <p>{effect}</p>
      <Loaded answer={preview}>
        {({ results }) => <Outcomes results={results} users={users} words={previewWords} />}
      </Loaded>
    </ActionDialog>
  )
}

/** Returns "1 account" or "3 accounts". */
export function accounts(count: number): string {
  return count === 1 ? '1 account' : `${count} accounts`
}

type Words = Readonly<Record<Outcome['outcome'], string>>

const previewWords: Words = { done: 'will change', skipped: 'is so already', refused: 'will be refused' }
const resultWords: Words = { done: 'done', skipped: 'was so already', refused: 'refused' }
const kinds = { done: 'good', skipped: 'neutral', refused: 'bad' } as const

interface OutcomesProps {
  readonly results: readonly Outcome[]
  readonly users: readonly User[]
  readonly words: Words
}

function Outcomes({ results, users, words }: OutcomesProps) {
  const counts = (['done', 'skipped', 'refused'] as const)
    .map((outcome) => [outcome, results.filter((result) => result.outcome === outcome).length] as const)
    .filter(([, count]) => count > 0)
  return (
    <>
      <p>{counts.map(([outcome, count]) => `${accounts(count)}: ${words[outcome]}`).join('; ')}.</p>
      <ul class="outcomes">
        {results.map(({ id, outcome, code }) => (
          <li key={id}>
            <span>{users.find((user) => user.id === id)?.email ?? id}</span>
            <span>
              <Badge kind={kinds[outcome]}>{words[outcome]}</Badge> {code === null ? null : <code>{code}</code>}
            </span>
          </li>
        ))}
      </ul>
    </>
  )
}
