import { useEffect, useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import { answer, api } from '../../api/client.js'
import type { components } from '../../api/schema.js'
import { useAnswer } from '../../api/use-answer.js'
import { Button } from '../../ui/button.js'
import { TextField } from '../../ui/field.js'
import { Loaded } from '../../ui/loaded.js'
import { withQuery } from './use-asked.js'

export type ManagedAccount = components['schemas']['ManagedAccount']

const pauseMs = 200
const limit = 5

interface ChooseAccountProps {
  /** Called with the account when the form is sent, or when a match is chosen. */
  readonly onChoose: (account: ManagedAccount) => void
}

/** Finds an account as its address or name is typed. Enter chooses the first match. */
export function ChooseAccount({ onChoose }: ChooseAccountProps) {
  const [text, setText] = useState('')
  const search = useSettled(text.trim())
  const matches = useAnswer(search, async (signal) => {
    if (search === '') return []
    return (await answer(api.GET('/v1/admin/users', { params: { query: { search, limit } }, signal }))).users
  })
  const isCurrent = search === text.trim()
  const [first] = isCurrent ? (matches.data ?? []) : []
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (first !== undefined) onChoose(first)
      }}
    >
      <TextField
        label="Whose? Address or name"
        type="search"
        value={text}
        onChange={setText}
        autofocus
        attributes={{ autocomplete: 'off' }}
        hint="Enter chooses the first match."
      />
      <Loaded answer={matches}>
        {(accounts) =>
          accounts.length === 0 && search !== '' ? (
            <p class="hint">No account matches.</p>
          ) : (
            <ul class="matches" aria-label="Matches">
              {accounts.map((account) => (
                <li key={account.id}>
                  <Button onClick={() => onChoose(account)}>
                    {account.email} {account.name === null ? '' : `(${account.name})`}
                  </Button>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </form>
  )
}

/** Returns the text once it has not changed for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), pauseMs)
    return () => clearTimeout(timer)
  }, [text])
  return settled
}

/** The account that the URL names, and the function that names one there. */
export function useChosenAccount(): readonly [id: string | undefined, choose: (id: string | undefined) => void] {
  const { url, query, route } = useLocation()
  return [query.account, (id) => route(withQuery(url, { account: id }), true)]
}
