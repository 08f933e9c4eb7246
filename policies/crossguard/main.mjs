// Pulumi compiles a pack's TypeScript by itself, and refuses imports that end in .ts; what a module imports, Node reads.
import './engine-pack.ts';
