package observe

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// shutdownWithin is how long the last spans may take to be exported.
const shutdownWithin = 5 * time.Second

// OpenTraces returns a layer whose spans go out by OTLP over HTTP (protobuf), as OpenTelemetry's own environment variables say: where to, with
// which headers and how many of them. stop exports what is left. Without OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, or
// where they are switched off by OTEL_SDK_DISABLED or OTEL_TRACES_EXPORTER=none, there are no traces: then the layer is nil, and costs nothing.
func OpenTraces(ctx context.Context) (layer *Traces, stop func(), err error) {
	wanted, err := tracesWanted(os.Getenv)
	if err != nil || !wanted {
		return nil, nil, err
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "gonets-worker"), attribute.String("service.version", builtFrom().version)),
		resource.WithFromEnv()) // its words count more than ours
	if err != nil {
		return nil, nil, fmt.Errorf("traces: %w", err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about))
	return NewTraces(provider), func() {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownWithin)
		defer cancel()
		_ = provider.Shutdown(ctx) // what fails is told to the error handler; the rest is lost
	}, nil
}

// tracesWanted tells whether the environment asks for traces.
func tracesWanted(getenv func(string) string) (bool, error) {
	value := func(name string) string { return strings.ToLower(strings.TrimSpace(getenv(name))) }
	if value("OTEL_SDK_DISABLED") == "true" || value("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && value("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return false, nil
	}
	switch v := value("OTEL_TRACES_EXPORTER"); v {
	case "none":
		return false, nil
	case "", "otlp":
	default:
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER: %s is not supported, use otlp or none", v)
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		switch v := value(name); v {
		case "":
		case "http/protobuf":
			return true, nil
		default:
			return false, fmt.Errorf("%s: %s is not supported, use http/protobuf", name, v)
		}
	}
	return true, nil
}
