import type { Static } from 'typebox'
import type { DescribedClient } from '../../admin/client-administration.js'
import type { Client } from '../../clients/client-table.js'
import { Type } from '../../http/type.js'
import { timeAnswer } from '../answers.js'
import { Scope } from '../schemas.js'

const time = (description: string) => Type.String({ format: 'date-time', description })
const closed = { additionalProperties: false }

const name = Type.String({ minLength: 1, maxLength: 200, examples: ['nightly report'] })
const mayIntrospect = Type.Boolean({ description: 'Whether the client may use /oauth/introspect.' })

/** The body that creates a client. */
export const NewClient = Type.Object(
  { name, scope: Type.Optional(Scope), may_introspect: Type.Optional(mayIntrospect) },
  closed,
)

/** The body that changes a client. */
export const ClientChange = Type.Object(
  { name: Type.Optional(name), scope: Type.Optional(Scope), may_introspect: Type.Optional(mayIntrospect) },
  closed,
)

const clientFields = {
  id: Type.String({ format: 'uuid', description: 'The client_id, and the "sub" of the tokens of the client.' }),
  name: Type.String(),
  scope: Scope,
  may_introspect: mayIntrospect,
  created_at: time('The time of its creation.'),
  disabled_at: Type.Union([time('The time since which the client gets no tokens.'), Type.Null()]),
}

/** A client in a list. */
export const ListedClient = Type.Object(clientFields, closed)

const ClientSecret = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    created_at: time('The time of its creation.'),
    last_used_at: Type.Union([
      time('The time when it was last used to get a token, to the minute; null if never.'),
      Type.Null(),
    ]),
    retires_at: Type.Union([time('The time of its end; null for the newest secret.'), Type.Null()]),
  },
  closed,
)

const describedFields = {
  ...clientFields,
  secrets: Type.Array(ClientSecret, {
    description: 'Metadata of the valid secrets, newest first; never the secrets.',
  }),
}

/** A client with the metadata of its secrets. */
export const DescribedClientAnswer = Type.Object(describedFields, closed)

/** A client with its new secret, which no other answer contains. */
export const RevealedClientAnswer = Type.Object(
  {
    ...describedFields,
    client_secret: Type.String({ description: 'Shown only once: the server stores a hash of it.' }),
  },
  closed,
)

/** Returns a client as lists show it. */
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

/** Returns a client with the metadata of its secrets. */
export function describedClientAnswer(client: DescribedClient): Static<typeof DescribedClientAnswer> {
  const secrets = client.secrets.map(({ id, createdAt, lastUsedAt, retiresAt }) => ({
    id,
    created_at: timeAnswer(createdAt),
    last_used_at: momentAnswer(lastUsedAt),
    retires_at: momentAnswer(retiresAt),
  }))
  return { ...clientAnswer(client), secrets }
}

/** Returns the members of a body under their names in the code. Absent members stay absent. */
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
