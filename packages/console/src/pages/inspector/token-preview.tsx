import { useState } from 'preact/hooks'
import { answer, api } from '../../api/client.js'
import { type Answer, useAnswer } from '../../api/use-answer.js'
import { consolePath } from '../../base.js'
import { Button } from '../../ui/button.js'
import { TextField } from '../../ui/field.js'
import { Loaded } from '../../ui/loaded.js'
import { Section } from '../../ui/section.js'
import { durationText } from '../../ui/time.js'
import { useQuery } from '../../ui/use-query.js'
import { ClaimTable } from './claim-table.js'
import { claimWords } from './claim-words.js'
import type { Preview } from './inspection.js'
import { RightsFacts } from './rights-facts.js'

/** Shows what a token of the account in the URL would contain. */
export function TokenPreview() {
  const { get, set } = useQuery()
  const user = get('user')
  const [text, setText] = useState(user)
  return (
    <Section title="What would be issued for a user now">
      <form
        class="toolbar"
        onSubmit={(event) => {
          event.preventDefault()
          set({ user: text.trim() })
        }}
      >
        <TextField label="Account: ID or address" value={text} onChange={setText} type="search" />
        <Button type="submit">Show</Button>
      </form>
      {user === '' ? null : <PreviewOf key={user} user={user} />}
    </Section>
  )
}

function PreviewOf({ user }: { readonly user: string }) {
  const found = useAnswer(`preview ${user}`, async (signal) => {
    const id = user.includes('@') ? await idOf(user, signal) : user
    if (id === undefined) return undefined
    const preview = await answer(api.GET('/v1/admin/users/{id}/token-preview', { params: { path: { id } }, signal }))
    return { id, preview }
  })
  return (
    <Loaded answer={found as Answer<{ id: string; preview: Preview } | undefined>}>
      {(shown) => (shown === undefined ? <p>No account has this address.</p> : <Shown {...shown} />)}
    </Loaded>
  )
}

async function idOf(email: string, signal: AbortSignal): Promise<string | undefined> {
  const { users } = await answer(api.GET('/v1/admin/users', { params: { query: { search: email, limit: 1 } }, signal }))
  return users[0]?.id
}

function Shown({ id, preview }: { readonly id: string; readonly preview: Preview }) {
  const { refusal, header, claims, per_token: perToken, grants, lifetime_seconds: lifetimeSec } = preview
  return (
    <div class="preview">
      <p>
        {refusal === null
          ? `A sign-in of this account would return a token for ${durationText(lifetimeSec * 1000)}. Nothing is signed here.`
          : 'This account is disabled: no token would be issued. If it were enabled, a token would have these parts.'}{' '}
        <a href={`${consolePath}/users/${id}`}>Open the account</a>
      </p>
      <h3>Claims</h3>
      <ClaimTable caption="Claims that would be issued" members={claims} />
      <p class="hint">
        Each token also has {perToken.map((name) => `${name} (${claimWords[name] ?? name})`).join(', ')}.
      </p>
      <h3>Header</h3>
      <ClaimTable caption="Header that would be issued" members={header} />
      <h3>Rights</h3>
      <p class="hint">They are stored with the account, not part of the token, so that a change holds at once.</p>
      <RightsFacts grants={grants} />
    </div>
  )
}
