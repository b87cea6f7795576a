export { type RedisCacheOptions, redisCache } from './redis-cache.js'
