import { useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import { mayChange } from '../../administrator.js'
import { answer, api } from '../../api/client.js'
import { type Answer, useAnswer } from '../../api/use-answer.js'
import { consolePath } from '../../base.js'
import { Button } from '../../ui/button.js'
import { CurlButton } from '../../ui/curl-button.js'
import { DataTable } from '../../ui/data-table.js'
import { Loaded } from '../../ui/loaded.js'
import { Page } from '../../ui/page.js'
import { Section } from '../../ui/section.js'
import { Time } from '../../ui/time.js'
import { ClientDetails } from './client-details.js'
import { NewClientDialog } from './client-form.js'
import { ClientState, ScopeList } from './client-state.js'
import type { ListedClient } from './client-types.js'
import './clients.css'

interface ClientPage {
  readonly clients: readonly ListedClient[]
  readonly next_cursor: string | null
}

/** The page "Clients". The address names the page of the list and the selected client. */
export default function ClientsPage() {
  const { query, route } = useLocation()
  const { client: selected, cursor } = query
  const [isCreating, setCreating] = useState(false)
  const clients = useAnswer(`clients ${cursor ?? ''}`, (signal) =>
    answer(api.GET('/v1/admin/clients', { params: { query: cursor === undefined ? {} : { cursor } }, signal })),
  )
  const closeNew = () => {
    setCreating(false)
    void clients.reload()
  }
  const changed = (isDeleted: boolean) => {
    void clients.reload()
    if (isDeleted) route(hrefOf({ cursor }))
  }
  return (
    <Page
      title="Clients"
      intro="A client is a program that gets tokens of its own: a job, a service, or an API that asks about tokens."
      actions={
        mayChange() ? (
          <Button kind="primary" onClick={() => setCreating(true)}>
            New client
          </Button>
        ) : undefined
      }
    >
      <List clients={clients} cursor={cursor} />
      {selected === undefined ? null : <ClientDetails key={selected} id={selected} onChanged={changed} />}
      {isCreating ? <NewClientDialog onClose={closeNew} /> : null}
    </Page>
  )
}

function List({ clients, cursor }: { readonly clients: Answer<ClientPage>; readonly cursor: string | undefined }) {
  return (
    <Section title="All clients" actions={<CurlButton method="GET" path="/v1/admin/clients" />}>
      <Loaded answer={clients}>
        {({ clients: rows, next_cursor: next }) => (
          <>
            <DataTable
              caption="Clients"
              rows={rows}
              rowKey={({ id }) => id}
              columns={[
                { title: 'Name', cell: ({ id, name }) => <a href={hrefOf({ client: id, cursor })}>{name}</a> },
                { title: 'Scope', cell: ({ scope }) => <ScopeList scope={scope} /> },
                { title: 'Introspects', cell: ({ may_introspect }) => (may_introspect ? 'yes' : 'no') },
                { title: 'State', cell: (client) => <ClientState client={client} /> },
                { title: 'Created', cell: ({ created_at }) => <Time at={created_at} /> },
              ]}
              empty={<Empty />}
            />
            {next === null && cursor === undefined ? null : (
              <nav class="actions after" aria-label="Pages of clients">
                {cursor === undefined ? null : <a href={hrefOf({})}>First page</a>}
                {next === null ? null : <a href={hrefOf({ cursor: next })}>Next page</a>}
              </nav>
            )}
          </>
        )}
      </Loaded>
    </Section>
  )
}

function Empty() {
  return (
    <>
      <p>There is no client yet.</p>
      <p>
        Create one for each program that calls your APIs without a user. It exchanges its ID and secret for a token at{' '}
        <code>POST /oauth/token</code>. An API that verifies tokens by introspection needs one with that right.
      </p>
    </>
  )
}

/** Returns the address of this page with these parameters. */
function hrefOf(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const search = new URLSearchParams(given).toString()
  return `${consolePath}/clients${search === '' ? '' : `?${search}`}`
}
