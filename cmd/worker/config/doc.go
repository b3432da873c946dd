// Package config reads the worker's configuration: one YAML file, strictly.
//
// [Load] reports every fault at once, each with file, line and path, what is wrong and what is allowed. The rules:
//
//   - The type of a value is that of its key, so `password: 0123` and `sender: no` are the text as written.
//   - An unknown key, a key given twice, an anchor, an alias or a tag is a fault. A key without a value is one too,
//     except for a section, which is then empty.
//   - ${NAME} in a value takes an environment variable, literally; unset is a fault, empty is not. $${ stands for ${.
//   - In place of NATS's user, password and token, of its URL and Redis's, and of every key of a provider's own,
//     <key>_file may stand: the value is the file's content without the newline at its end. Paths are relative to the working directory.
//   - Every scalar outside accounts and routes is overridden by an environment variable, GONETS_NATS_URL for nats.url,
//     GONETS_NATS_PASSWORD_FILE for nats.password_file. An override of either form replaces both forms in the file.
//     Any other variable whose name begins with GONETS_ is a fault, unless the file uses it as ${…} or Kubernetes made it for
//     a service whose name begins with gonets.
//   - Values of secrets and of variables are never in a fault.
package config
