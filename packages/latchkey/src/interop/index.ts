export type { Claims } from '../claims/check-claims.js'
export type { Grants } from '../claims/grants.js'
export type { CheckedClaims, StoredRights } from './check-token.js'
export {
  type DecodedJwt,
  type ExpressJwtPair,
  type ExpressJwtRequest,
  type ExpressJwtSettings,
  type ExpressJwtTokenGetter,
  expressJwtPair,
} from './express-jwt.js'
export { type FastJwtOptions, type FastJwtPair, fastJwtPair } from './fast-jwt.js'
export { type FastifyJwtPair, type FastifyJwtSettings, fastifyJwtPair } from './fastify-jwt.js'
export {
  type HonoJwtContext,
  type HonoJwtOptions,
  type HonoJwtPair,
  type HonoJwtSettings,
  honoJwtPair,
} from './hono-jwt.js'
export { type JosePair, josePair } from './jose.js'
export { type JsonwebtokenPair, jsonwebtokenPair } from './jsonwebtoken.js'
export { type NestJwtPair, type NestJwtSettings, nestJwtPair } from './nest-jwt.js'
export { type PassportDone, type PassportJwtPair, passportJwtPair } from './passport-jwt.js'
