export { type RedisCacheOptions, redisCache } from './redis-cache.js'
export { createRedisClient, type RedisClient, type RedisClientOptions } from './redis-client.js'
