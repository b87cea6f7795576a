import type { Static } from 'typebox'
import type { DescribedClient } from '../../admin/client-administration.js'
import type { Client } from '../../clients/client-table.js'
import { Type } from '../../http/type.js'
import { timeAnswer } from '../answers.js'
import { Scope } from '../schemas.js'

const time = (description: string) => Type.String({ format: 'date-time', description })
const closed = { additionalProperties: false }

const name = Type.String({ minLength: 1, maxLength: 200, examples: ['nightly report'] })
const mayIntrospect = Type.Boolean({ description: 'Whether it may ask about tokens at /oauth/introspect.' })

/** What an administrator says of a new client. */
export const NewClient = Type.Object(
  { name, scope: Type.Optional(Scope), may_introspect: Type.Optional(mayIntrospect) },
  closed,
)

/** What an administrator changes of a client. */
export const ClientChange = Type.Object(
  { name: Type.Optional(name), scope: Type.Optional(Scope), may_introspect: Type.Optional(mayIntrospect) },
  closed,
)

const clientFields = {
  id: Type.String({ format: 'uuid', description: 'Its client_id, and the "sub" of its tokens.' }),
  name: Type.String(),
  scope: Scope,
  may_introspect: mayIntrospect,
  created_at: time('When it was made.'),
  disabled_at: Type.Union([time('Since when it gets no tokens.'), Type.Null()]),
}

/** A client in a list. */
export const ListedClient = Type.Object(clientFields, closed)

const ClientSecret = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    created_at: time('When it was made.'),
    last_used_at: Type.Union([
      time('When it was last used to get a token, to within a minute; null for never.'),
      Type.Null(),
    ]),
    retires_at: Type.Union([time('When it ends; null for the newest one.'), Type.Null()]),
  },
  closed,
)

const describedFields = {
  ...clientFields,
  secrets: Type.Array(ClientSecret, {
    description: 'The secrets that hold, newest first; never the secrets themselves.',
  }),
}

/** A client with what may be known of its secrets. */
export const DescribedClientAnswer = Type.Object(describedFields, closed)

/** A client whose new secret is shown this once. */
export const RevealedClientAnswer = Type.Object(
  {
    ...describedFields,
    client_secret: Type.String({ description: 'Shown this once; the server keeps a hash of it.' }),
  },
  closed,
)

/** A client as lists show it. */
export function clientAnswer(client: Client): Static<typeof ListedClient> {
  return {
    id: client.id,
    name: client.name,
    scope: client.scope,
    may_introspect: client.mayIntrospect,
    created_at: timeAnswer(client.createdAt),
    disabled_at: momentAnswer(client.disabledAt),
  }
}

/** A client with what may be known of its secrets. */
export function describedClientAnswer(client: DescribedClient): Static<typeof DescribedClientAnswer> {
  const secrets = client.secrets.map(({ id, createdAt, lastUsedAt, retiresAt }) => ({
    id,
    created_at: timeAnswer(createdAt),
    last_used_at: momentAnswer(lastUsedAt),
    retires_at: momentAnswer(retiresAt),
  }))
  return { ...clientAnswer(client), secrets }
}

/** What a body says, in the words of the code; what it leaves out is left out. */
export function clientInput({ name, scope, may_introspect }: Static<typeof ClientChange>) {
  return {
    ...(name === undefined ? {} : { name }),
    ...(scope === undefined ? {} : { scope }),
    ...(may_introspect === undefined ? {} : { mayIntrospect: may_introspect }),
  }
}

function momentAnswer(ms: number | null): string | null {
  return ms === null ? null : timeAnswer(ms)
}
