import { createServer } from 'node:http'
import { createSchema, createYoga, type Plugin } from 'graphql-yoga'
import { type AuthContext, useLatchkey } from 'latchkey/yoga'
import type { Route } from '../messages.js'
import { type Parts, routesAt } from './application.js'
import { listen } from './listen.js'

/** Starts the applications with GraphQL Yoga, whose guards are plugins. */
export async function startYoga({ latchkey, nextSubject }: Parts): Promise<readonly Route[]> {
  const schema = createSchema<Partial<AuthContext>>({
    typeDefs: 'type Query { id: ID! }',
    resolvers: { Query: { id: (_root, _args, { auth }) => auth?.subject ?? nextSubject() } },
  })
  const empty: Plugin = { onRequestParse() {} }
  const servers = [
    createYoga({ schema, logging: false }),
    createYoga({ schema, plugins: [empty], logging: false }),
    createYoga({ schema, plugins: [useLatchkey(latchkey)], logging: false }),
  ]
  const ports = servers.map((yoga) => listen(createServer(yoga)))
  return routesAt(await Promise.all(ports), '/graphql?query=%7Bid%7D')
}
