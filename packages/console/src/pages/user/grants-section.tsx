import { useState } from 'preact/hooks'
import { administrator, mayChange } from '../../administrator.js'
import { answer, api } from '../../api/client.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { Button } from '../../ui/button.js'
import { Facts } from '../../ui/facts.js'
import { SelectField, TextField } from '../../ui/field.js'
import { Propagation } from '../../ui/propagation.js'
import { Section } from '../../ui/section.js'
import type { User } from '../users/use-user-list.js'
import { roleNames } from '../users/user-state.js'
import type { UserDialogProps } from './user-actions.js'

/** The rights of an account, here and in applications. */
export function GrantsSection({ user, onDone }: Omit<UserDialogProps, 'onClose'>) {
  const [isOpen, setOpen] = useState(false)
  return (
    <Section title="Grants" actions={mayChange() ? <Button onClick={() => setOpen(true)}>Change…</Button> : undefined}>
      <Facts entries={entriesOf(user)} />
      <p class="hint">
        Stored with the account, and never taken from a token: a change applies at once to the tokens that exist.
      </p>
      {isOpen ? <GrantsDialog user={user} onDone={onDone} onClose={() => setOpen(false)} /> : null}
    </Section>
  )
}

type Grants = Pick<User, 'role' | 'roles' | 'scope'>

function entriesOf({ role, roles, scope }: Grants): readonly (readonly [string, string])[] {
  return [
    ['Role in this server', roleNames[role]],
    ['Roles in applications', roles.join(', ') || '–'],
    ['Scope in applications', scope || '–'],
  ]
}

function GrantsDialog({ user, onDone, onClose }: UserDialogProps) {
  // As it was when the dialog opened: the page may have loaded a newer state.
  const [before] = useState(user)
  const [role, setRole] = useState(before.role)
  const [roles, setRoles] = useState(before.roles.join(' '))
  const [scope, setScope] = useState(before.scope)
  const isOwn = administrator.value?.id === before.id
  const after: Grants = { role, roles: wordsOf(roles), scope: wordsOf(scope).join(' ') }
  const changes = entriesOf(after).flatMap(([name, value], index) => {
    const old = entriesOf(before)[index]?.[1] ?? ''
    return old === value ? [] : [{ name, old, value }]
  })
  const run = async () => {
    const expected = { role: before.role, roles: before.roles, scope: before.scope }
    const change = { roles: after.roles, scope: after.scope, ...(role === before.role ? {} : { role }) }
    const params = { path: { id: before.id } }
    try {
      await answer(api.PATCH('/v1/admin/users/{id}', { params, body: { ...change, expected } }))
    } finally {
      onDone()
    }
  }
  return (
    <ActionDialog
      title={`Change the grants of ${before.email}`}
      confirmLabel="Change the grants"
      isDangerous
      run={run}
      result={() => (
        <>
          <Changes changes={changes} />
          <Propagation />
        </>
      )}
      onClose={onClose}
    >
      <p>The change applies at once, also to tokens that were issued before. Sessions continue.</p>
      {isOwn ? (
        <p class="hint">Your own role can be changed by another administrator alone.</p>
      ) : (
        <SelectField
          label="Role in this server"
          value={role}
          onChange={(value) => setRole(value as User['role'])}
          options={Object.entries(roleNames)}
        />
      )}
      <TextField label="Roles in applications" hint="Separated by spaces." value={roles} onChange={setRoles} />
      <TextField label="Scope in applications" hint="Separated by spaces." value={scope} onChange={setScope} />
      <Changes changes={changes} />
    </ActionDialog>
  )
}

interface Change {
  readonly name: string
  readonly old: string
  readonly value: string
}

function Changes({ changes }: { readonly changes: readonly Change[] }) {
  if (changes.length === 0) return <p class="hint">Nothing is changed yet.</p>
  return (
    <ul class="changes" aria-label="Changes">
      {changes.map(({ name, old, value }) => (
        <li key={name}>
          {name}: <del>{old}</del> <span aria-hidden="true">→</span> <ins>{value}</ins>
        </li>
      ))}
    </ul>
  )
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}
