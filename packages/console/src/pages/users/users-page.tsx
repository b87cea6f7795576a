import { useEffect, useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import { mayChange } from '../../administrator.js'
import { Button } from '../../ui/button.js'
import { CurlButton } from '../../ui/curl-button.js'
import { SelectField, TextField } from '../../ui/field.js'
import { Page } from '../../ui/page.js'
import { ProblemNotice } from '../../ui/problem-notice.js'
import { BulkBar } from './bulk-bar.js'
import { accounts } from './bulk-dialog.js'
import { CreateUserDialog } from './create-user-dialog.js'
import { InvitationsSection } from './invitations-section.js'
import { InviteDialog } from './invite-dialog.js'
import { type UserList, useUserList } from './use-user-list.js'
import { apiQueryOf, filterChoices, filtersOf, queryOf, type UserFilters } from './user-filters.js'
import { UserTable } from './user-table.js'
import './users.css'

/** A search begins when no key was pressed for this time. */
const typingMs = 200

/** The page "Users": search and filters, which are in the address, and actions on many accounts. */
export default function UsersPage() {
  const [filters, setFilters] = useFilters()
  const list = useUserList(filters)
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [dialog, setDialog] = useState<'create' | 'invite'>()
  const select = (id: string, isSelected: boolean) =>
    setSelected((before) => new Set(isSelected ? [...before, id] : [...before].filter((other) => other !== id)))
  const [invited, setInvited] = useState(0)
  const close = () => setDialog(undefined)
  const query = new URLSearchParams(Object.entries(apiQueryOf(filters)))
  return (
    <Page
      title="Users"
      intro="Every account of this server. Find one by a part of its address or name, and open it to see its secret, its sessions and its history."
      actions={
        <>
          {mayChange() ? (
            <>
              <Button kind="primary" onClick={() => setDialog('create')}>
                Create an account…
              </Button>
              <Button onClick={() => setDialog('invite')}>Invite…</Button>
            </>
          ) : null}
          <CurlButton method="GET" path={`/v1/admin/users?${query}`} />
        </>
      }
    >
      <Filters filters={filters} onChange={setFilters} />
      <BulkBar
        selected={list.users.filter(({ id }) => selected.has(id))}
        onClear={() => setSelected(new Set())}
        onDone={() => void list.reload()}
      />
      <section class="card" aria-label="Accounts" aria-busy={list.isLoading}>
        <ProblemNotice problem={list.problem} retry={list.reload} />
        <Found list={list} filters={filters} selected={selected} onSelect={select} />
      </section>
      <InvitationsSection version={invited} />
      {dialog === 'create' ? <CreateUserDialog onClose={close} onDone={() => void list.reload()} /> : null}
      {dialog === 'invite' ? <InviteDialog onClose={close} onDone={() => setInvited(invited + 1)} /> : null}
    </Page>
  )
}

/** The filters of the address of the page, and a function that replaces them there. */
function useFilters(): readonly [UserFilters, (filters: UserFilters) => void] {
  const { path, query, route } = useLocation()
  const replace = (filters: UserFilters) => {
    // The router shows this page until the next one is loaded, which a late search must not leave.
    if (location.pathname === path) route(path + queryOf(filters), true)
  }
  return [filtersOf(query), replace]
}

interface FiltersProps {
  readonly filters: UserFilters
  readonly onChange: (filters: UserFilters) => void
}

/** The field keeps what is typed, and hands it on when the typing pauses. */
function Filters({ filters, onChange }: FiltersProps) {
  const [text, setText] = useState(filters.search)
  // Another address of the page, such as after "Back".
  useEffect(() => setText(filters.search), [filters.search])
  useEffect(() => {
    if (text === filters.search) return undefined
    const timer = setTimeout(() => onChange({ ...filters, search: text }), typingMs)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <search class="toolbar">
      <TextField
        label="Search"
        type="search"
        value={text}
        onChange={setText}
        attributes={{ autocomplete: 'off', maxLength: 254, placeholder: 'Address or name' }}
      />
      {filterChoices.map(([name, label, options]) => (
        <SelectField
          key={name}
          label={label}
          value={filters[name]}
          onChange={(value) => onChange({ ...filters, search: text, [name]: value })}
          options={options}
        />
      ))}
    </search>
  )
}

interface FoundProps {
  readonly list: UserList
  readonly filters: UserFilters
  readonly selected: ReadonlySet<string>
  readonly onSelect: (id: string, isSelected: boolean) => void
}

function Found({ list, filters, selected, onSelect }: FoundProps) {
  const { users, isLoading, hasMore, problem, loadMore } = list
  const more = hasMore ? ' so far' : ''
  return (
    <>
      {users.length === 0 && (isLoading || hasMore || problem !== undefined) ? null : (
        <UserTable users={users} selected={selected} onSelect={onSelect} empty={<Nothing filters={filters} />} />
      )}
      <div class="more">
        <p role="status" class="hint">
          {isLoading ? 'Searching…' : users.length === 0 && !hasMore ? '' : `${accounts(users.length)}${more}`}
        </p>
        {hasMore && !isLoading ? <Button onClick={loadMore}>Load more</Button> : null}
      </div>
    </>
  )
}

function Nothing({ filters }: { readonly filters: UserFilters }) {
  return queryOf(filters) === '' ? (
    <p>There is no account yet. Create one, invite a person, or open the registration in the settings.</p>
  ) : (
    <p>
      No account matches. Three characters or more match any part of an address or a name; one or two match the
      beginning of a word. <a href="?">Show all accounts</a>
    </p>
  )
}
