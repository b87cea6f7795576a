import { useState } from 'preact/hooks'
import { consolePath } from '../../base.js'
import { Badge } from '../../ui/badge.js'
import { CurlButton } from '../../ui/curl-button.js'
import { DataTable } from '../../ui/data-table.js'
import { Loaded } from '../../ui/loaded.js'
import { Page } from '../../ui/page.js'
import { Section } from '../../ui/section.js'
import { Time } from '../../ui/time.js'
import { TaskStep } from '../incident/task-step.js'
import { useTasks } from '../incident/tasks.js'
import '../incident/incident.css'
import { KeptKeys } from './kept-keys.js'
import { MasterKeys } from './master-keys.js'
import { type Keys, useKeys } from './use-keys.js'

/** The page "Keys". */
export default function KeysPage() {
  const keys = useKeys()
  return (
    <Page
      title="Keys"
      intro="The keys that protect everything else, by their IDs. No page and no route of the API shows a key itself."
      actions={<CurlButton method="GET" path="/v1/admin/keys" />}
    >
      <Loaded answer={keys}>
        {(data) => (
          <>
            <Section title="Master keys">
              <p class="hint">
                They encrypt all other keys and secrets. Each one decrypts what it has encrypted; only the first
                encrypts. This is the key ring of the server that answers.
              </p>
              <MasterKeys keys={data} />
            </Section>
            <ol class="steps">
              <Rewrap keys={data} />
            </ol>
            <Section title="Key pairs for other services">
              <KeyPairs keys={data} />
            </Section>
            <Section
              title="Kept keys"
              actions={
                <a class="button plain" href={`${consolePath}/incident?case=master-key`}>
                  Replace every key…
                </a>
              }
            >
              <KeptKeys keys={data} />
            </Section>
          </>
        )}
      </Loaded>
    </Page>
  )
}

/** Moves what older master keys have encrypted to the newest one. */
function Rewrap({ keys: { master_keys: all } }: { readonly keys: Keys }) {
  const dialog = useState(false)
  const tasks = useTasks()
  const older = all.filter(({ encrypts, needed }) => needed && !encrypts).map(({ id }) => id)
  const newest = all.find(({ encrypts }) => encrypts)?.id
  return (
    <TaskStep
      kind="rewrap"
      title="Encrypt everything with the newest master key"
      tasks={tasks}
      isDone={older.length === 0}
      effects={
        <ul>
          <li>
            Every stored value is encrypted with <code>{newest}</code>, a few hundred at a time, beside all other work.
          </li>
          <li>No session ends, and no key or secret changes.</li>
          <li>Afterwards no older master key is needed, except for backups from before.</li>
        </ul>
      }
      label="Encrypt again"
      dialog={dialog}
    >
      <p>
        {older.length === 0
          ? 'All is encrypted with the newest master key. Older ones can be left out of the key ring.'
          : `Still needed: ${older.join(', ')}. Every server must have ${newest} before this begins.`}
      </p>
    </TaskStep>
  )
}

const stages = { next: 'Signs next', current: 'Signs', previous: 'Verifies' } as const

function KeyPairs({ keys: { key_pairs: pairs } }: { readonly keys: Keys }) {
  return (
    <DataTable
      caption="Key pairs that sign tokens for other services"
      columns={[
        { title: 'Key ID', cell: ({ kid }) => <code>{kid}</code> },
        { title: 'Algorithm', cell: ({ algorithm }) => algorithm },
        {
          title: 'Use',
          cell: ({ stage }) => <Badge kind={stage === 'current' ? 'good' : 'neutral'}>{stages[stage]}</Badge>,
        },
        { title: 'Created', cell: ({ created_at: at }) => <Time at={at} /> },
        { title: 'Verifies until', cell: ({ retires_at: at }) => <Time at={at} /> },
        { title: 'Master key', cell: ({ master_key_id: id }) => <code>{id}</code> },
      ]}
      rows={pairs}
      rowKey={({ kid }) => kid}
      empty="No key pair yet: the server creates one when the first service asks for the key set, or a token for a service is issued."
    />
  )
}
