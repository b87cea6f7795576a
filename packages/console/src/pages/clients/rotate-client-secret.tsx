import { useState } from 'preact/hooks'
import { answer, api } from '../../api/client.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { SelectField } from '../../ui/field.js'
import { Propagation } from '../../ui/propagation.js'
import type { DescribedClient } from './client-types.js'
import { RevealedSecret } from './revealed-secret.js'

/** The seconds for which the old secret stays valid. */
const gracePeriods = [
  ['3600', 'for an hour'],
  ['86400', 'for a day'],
  ['604800', 'for a week'],
  ['0', 'not at all: it has leaked'],
] as const

interface RotateClientSecretProps {
  readonly client: DescribedClient
  readonly onClose: () => void
}

/** Gives a client a new secret, and shows it once. */
export function RotateClientSecret({ client: { id, name }, onClose }: RotateClientSecretProps) {
  const [grace, setGrace] = useState('86400')
  const isLeaked = grace === '0'
  return (
    <ActionDialog
      title={`New client secret for ${name}`}
      confirmLabel="Create the secret"
      isDangerous={isLeaked}
      run={() =>
        answer(
          api.POST('/v1/admin/clients/{id}/secrets', {
            params: { path: { id } },
            body: { grace_period: Number(grace) },
          }),
        )
      }
      result={(client) => (
        <>
          <RevealedSecret client={client} />
          {isLeaked ? <Propagation /> : null}
        </>
      )}
      onClose={onClose}
    >
      <SelectField
        label="The old secret stays valid"
        value={grace}
        onChange={setGrace}
        options={gracePeriods}
        hint={
          isLeaked
            ? 'All secrets of the client and all its tokens end at once. The client fails until it has the new secret.'
            : 'Deploy the new secret within this time: nothing is interrupted, and tokens stay valid.'
        }
      />
    </ActionDialog>
  )
}
