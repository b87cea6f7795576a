import { useEffect, useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import { consolePath } from '../../base.js'
import { Command } from '../../ui/command.js'
import { SelectField } from '../../ui/field.js'
import { Loaded } from '../../ui/loaded.js'
import { type Keys, nextKeyId, useKeys } from '../keys/use-keys.js'
import { ReplaceKeysEffects, RevokeAllEffects } from './effects.js'
import { Step } from './step.js'
import { TaskStep } from './task-step.js'
import { useTasks } from './tasks.js'
import { useAsked, withQuery } from './use-asked.js'

/** The guide "A master key leaked": docs/guides/runbook-master-keys.md. */
export function MasterKeySteps() {
  const { url, query, route } = useLocation()
  const tasks = useTasks()
  const keys = useKeys()
  const containment = useAsked()
  const replacement = useState(false)
  const newest = keys.data?.master_keys.find(({ encrypts }) => encrypts)?.id
  const { leaked } = query
  useEffect(() => {
    // The newest one changes in step 2, and the one that has leaked must stay the same.
    if (leaked === undefined && newest !== undefined) route(withQuery(url, { leaked: newest }), true)
  }, [leaked, newest])
  return (
    <>
      <TaskStep
        kind="revoke_all"
        title="1. End every session and token"
        tasks={tasks}
        effects={<RevokeAllEffects />}
        label="End all sessions"
        dialog={containment}
      >
        <p>
          It replaces the signing secret of every account, so that those in a stolen copy are worthless now. The steps
          below replace all other keys, and need a new master key first.
        </p>
      </TaskStep>
      <Loaded answer={keys}>
        {(data) => (
          <>
            <NewKeyStep
              keys={data}
              leaked={leaked ?? ''}
              onChange={(id) => route(withQuery(url, { leaked: id }), true)}
            />
            <TaskStep
              kind="replace_keys"
              title="3. Replace every key"
              tasks={tasks}
              effects={<ReplaceKeysEffects />}
              label="Replace every key"
              isDone={!isNeeded(data, leaked)}
              blocked={
                newest === leaked
                  ? `The server still encrypts with ${leaked}: the new keys would be under the key that has leaked. Do step 2 first.`
                  : undefined
              }
              dialog={replacement}
            />
            <Step title="4. Verify the audit log">
              <p>The server has anchored the earlier entries under the new key. Verify them at a terminal:</p>
              <Command text="latchkey audit verify" />
            </Step>
            <Step title="5. Leave the leaked key out" isDone={!isInRing(data, leaked)}>
              <p>Change the key ring at a terminal, and replace the servers once more.</p>
              <Command
                text={`latchkey master-keys drop ${leaked ?? ''} --to "$SECRETS/master-keys.next"\nmv "$SECRETS/master-keys.next" "$SECRETS/master-keys"`}
              />
            </Step>
          </>
        )}
      </Loaded>
      <Step title="6. What only people can do">
        <ul>
          <li>Restart other services, or wait until they have read the key set (JWKS) again.</li>
          <li>
            Ask owners of authenticator apps to add them again: the thief may know their secrets. They are marked as
            exposed for their owners.
          </li>
          <li>
            Passwords were hashed and never encrypted with the key. If <code>PASSWORD_PEPPERS</code> was not set or has
            leaked too, set a new one in front, and ask <a href={`${consolePath}/users`}>users</a> for new passwords.
          </li>
          <li>Replace passwords of the database, Redis and the mail server that were stored beside the key.</li>
        </ul>
      </Step>
    </>
  )
}

interface NewKeyProps {
  readonly keys: Keys
  readonly leaked: string
  readonly onChange: (id: string) => void
}

/** The steps of the operator, with a check of the key ring of the server. */
function NewKeyStep({ keys, leaked, onChange }: NewKeyProps) {
  const ids = keys.master_keys.map(({ id }) => id)
  const newest = keys.master_keys.find(({ encrypts }) => encrypts)?.id
  const added = newest !== leaked ? newest : (ids.find((id) => id !== leaked) ?? nextKeyId(ids))
  const write = '--to "$SECRETS/master-keys.next"\nmv "$SECRETS/master-keys.next" "$SECRETS/master-keys"'
  return (
    <Step title="2. Encrypt with a new master key" isDone={newest !== leaked}>
      <SelectField
        label="The key that has leaked"
        value={leaked}
        onChange={onChange}
        options={ids.map((id) => [id, id] as const)}
      />
      <p>
        <code>$SECRETS</code> is the folder with the file of <code>LATCHKEY_MASTER_KEYS_FILE</code>. Every server must
        have a key before the first one encrypts with it.
      </p>
      <p>Add a key, keep a copy of the key ring elsewhere, and replace the servers one after another:</p>
      <Command text={`latchkey master-keys add ${added} ${write}`} />
      <p>Then encrypt with it, and replace the servers again:</p>
      <Command text={`latchkey master-keys promote ${added} ${write}`} />
      <p role="status">
        The server that answers has the keys {ids.join(', ')}, and encrypts with <code>{newest}</code>.
      </p>
    </Step>
  )
}

function isNeeded({ master_keys: all }: Keys, id: string | undefined): boolean {
  return all.some((key) => key.id === id && key.needed)
}

function isInRing({ master_keys: all }: Keys, id: string | undefined): boolean {
  return all.some((key) => key.id === id && key.in_ring)
}
