export { type MemoryStore, type MemoryTransaction, memoryStore } from './memory-store.js'
