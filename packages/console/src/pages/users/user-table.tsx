import type { ComponentChildren } from 'preact'
import { mayChange } from '../../administrator.js'
import { consolePath } from '../../base.js'
import { type Column, DataTable } from '../../ui/data-table.js'
import { Time } from '../../ui/time.js'
import type { User } from './use-user-list.js'
import { UserState } from './user-state.js'

interface UserTableProps {
  readonly users: readonly User[]
  readonly selected: ReadonlySet<string>
  readonly onSelect: (id: string, isSelected: boolean) => void
  readonly empty: ComponentChildren
}

/** The accounts of a list, with a box to select each. */
export function UserTable({ users, selected, onSelect, empty }: UserTableProps) {
  const select: Column<User> = {
    title: 'Select',
    cell: ({ id, email }) => (
      <input
        type="checkbox"
        aria-label={`Select ${email}`}
        checked={selected.has(id)}
        onChange={({ currentTarget }) => onSelect(id, currentTarget.checked)}
      />
    ),
  }
  return (
    <DataTable
      caption="Users"
      columns={mayChange() ? [select, ...columns] : columns}
      rows={users}
      rowKey={({ id }) => id}
      empty={empty}
    />
  )
}

const columns: readonly Column<User>[] = [
  {
    title: 'Address',
    cell: ({ id, email, name }) => (
      <>
        <a href={`${consolePath}/users/${id}`}>{email}</a>
        {name === null ? null : <div class="hint">{name}</div>}
      </>
    ),
  },
  { title: 'State', cell: (user) => <UserState user={user} /> },
  { title: 'Second factor', cell: ({ second_factor }) => (second_factor ? 'yes' : 'no') },
  { title: 'Last login', cell: ({ last_login_at }) => <Time at={last_login_at} /> },
  { title: 'Created', cell: ({ created_at }) => <Time at={created_at} /> },
]
