import { createServer } from 'node:http'
import { createSchema, createYoga } from 'graphql-yoga'
import { type AuthContext, useLatchkey } from 'latchkey/yoga'
import { outcomeOf, served } from '../served.js'

export const peer = 'graphql-yoga'
export const outcome = () =>
  outcomeOf((latchkey) => {
    const schema = createSchema<AuthContext>({
      typeDefs: 'type Query { me: ID! }',
      resolvers: { Query: { me: (_root, _args, { auth }) => auth.subject } },
    })
    const yoga = createYoga({ schema, plugins: [useLatchkey(latchkey)], logging: false })
    return served(createServer(yoga), '/graphql?query=%7Bme%7D')
  })
