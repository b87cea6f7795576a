import { useState } from 'preact/hooks'
import { answer, api } from '../../api/client.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { CheckField } from '../../ui/check-field.js'
import { TextField } from '../../ui/field.js'
import type { DescribedClient } from './client-types.js'
import { RevealedSecret } from './revealed-secret.js'

interface ClientInput {
  readonly name: string
  readonly scope: string
  readonly mayIntrospect: boolean
}

const nothing: ClientInput = { name: '', scope: '', mayIntrospect: false }

/** Creates a client, and shows its secret once. */
export function NewClientDialog({ onClose }: { readonly onClose: () => void }) {
  const [input, setInput] = useState(nothing)
  return (
    <ActionDialog
      title="New client"
      confirmLabel="Create the client"
      run={() => answer(api.POST('/v1/admin/clients', { body: bodyOf(input) }))}
      result={(client) => <RevealedSecret client={client} />}
      onClose={onClose}
    >
      <ClientFields input={input} onChange={setInput} />
    </ActionDialog>
  )
}

interface ChangeClientDialogProps {
  readonly client: DescribedClient
  readonly onClose: () => void
}

/** Changes the name, the scope and the right to introspect of a client. */
export function ChangeClientDialog({ client, onClose }: ChangeClientDialogProps) {
  const { id, name, scope, may_introspect: mayIntrospect } = client
  const [input, setInput] = useState<ClientInput>({ name, scope, mayIntrospect })
  return (
    <ActionDialog
      title={`Change ${name}`}
      confirmLabel="Save"
      run={() => answer(api.PATCH('/v1/admin/clients/{id}', { params: { path: { id } }, body: bodyOf(input) }))}
      onClose={onClose}
    >
      <ClientFields input={input} onChange={setInput} />
      <p>A new scope applies at once, also to tokens that the client has.</p>
    </ActionDialog>
  )
}

interface ClientFieldsProps {
  readonly input: ClientInput
  readonly onChange: (input: ClientInput) => void
}

function ClientFields({ input, onChange }: ClientFieldsProps) {
  return (
    <>
      <TextField
        label="Name"
        hint="For people, such as “nightly report”."
        value={input.name}
        onChange={(name) => onChange({ ...input, name })}
        required
        autofocus
        attributes={{ maxLength: 200, autocomplete: 'off' }}
      />
      <TextField
        label="Scope"
        hint="The scopes that its tokens may have, with spaces between. Empty: none."
        value={input.scope}
        onChange={(scope) => onChange({ ...input, scope })}
        attributes={{ maxLength: 1024, autocomplete: 'off' }}
      />
      <CheckField
        label="May introspect tokens"
        hint="Allows the client to ask this server about any token (RFC 7662). Resource servers need it."
        checked={input.mayIntrospect}
        onChange={(mayIntrospect) => onChange({ ...input, mayIntrospect })}
      />
    </>
  )
}

function bodyOf({ name, scope, mayIntrospect }: ClientInput) {
  return { name, scope: scope.trim().replaceAll(/\s+/g, ' '), may_introspect: mayIntrospect }
}
