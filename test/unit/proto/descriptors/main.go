// Prints, as JSON, everything that decides the wire form of the CRI contract in k8s.io/cri-api: the truth that
// proto/runtime/v1 is compared with.
package main

import (
	"encoding/json"
	"os"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	_ "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const contract = "runtime.v1"

type field struct {
	Number   int32  `json:"number"`
	Type     string `json:"type"`
	Repeated bool   `json:"repeated"`
	MapKey   string `json:"mapKey"`
	Optional bool   `json:"optional"`
	Packed   bool   `json:"packed"`
	Oneof    string `json:"oneof"`
}

type method struct {
	Request        string `json:"request"`
	Response       string `json:"response"`
	RequestStream  bool   `json:"requestStream"`
	ResponseStream bool   `json:"responseStream"`
}

type report struct {
	Messages map[string]map[string]field  `json:"messages"`
	Enums    map[string]map[string]int32  `json:"enums"`
	Services map[string]map[string]method `json:"services"`
}

func main() {
	out := report{map[string]map[string]field{}, map[string]map[string]int32{}, map[string]map[string]method{}}
	protoregistry.GlobalFiles.RangeFilesByPackage(contract, func(file protoreflect.FileDescriptor) bool {
		out.addMessages(file.Messages())
		out.addEnums(file.Enums())
		out.addServices(file.Services())
		return true
	})
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		panic(err)
	}
}

func (r report) addMessages(messages protoreflect.MessageDescriptors) {
	for i := 0; i < messages.Len(); i++ {
		message := messages.Get(i)
		if message.IsMapEntry() {
			continue
		}
		fields := map[string]field{}
		for j := 0; j < message.Fields().Len(); j++ {
			f := message.Fields().Get(j)
			fields[string(f.Name())] = describe(f)
		}
		r.Messages[string(message.FullName())] = fields
		r.addMessages(message.Messages())
		r.addEnums(message.Enums())
	}
}

func describe(f protoreflect.FieldDescriptor) field {
	out := field{
		Number:   int32(f.Number()),
		Type:     typeName(f),
		Repeated: f.IsList(),
		Optional: f.HasOptionalKeyword(),
		Packed:   f.IsPacked(),
	}
	if f.IsMap() {
		out.MapKey, out.Type = typeName(f.MapKey()), typeName(f.MapValue())
	}
	if oneof := f.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
		out.Oneof = string(oneof.Name())
	}
	return out
}

func typeName(f protoreflect.FieldDescriptor) string {
	switch f.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return string(f.Message().FullName())
	case protoreflect.EnumKind:
		return string(f.Enum().FullName())
	}
	return f.Kind().String()
}

func (r report) addEnums(enums protoreflect.EnumDescriptors) {
	for i := 0; i < enums.Len(); i++ {
		values := map[string]int32{}
		for j := 0; j < enums.Get(i).Values().Len(); j++ {
			value := enums.Get(i).Values().Get(j)
			values[string(value.Name())] = int32(value.Number())
		}
		r.Enums[string(enums.Get(i).FullName())] = values
	}
}

func (r report) addServices(services protoreflect.ServiceDescriptors) {
	for i := 0; i < services.Len(); i++ {
		methods := map[string]method{}
		for j := 0; j < services.Get(i).Methods().Len(); j++ {
			m := services.Get(i).Methods().Get(j)
			methods[string(m.Name())] = method{
				Request:        string(m.Input().FullName()),
				Response:       string(m.Output().FullName()),
				RequestStream:  m.IsStreamingClient(),
				ResponseStream: m.IsStreamingServer(),
			}
		}
		r.Services[string(services.Get(i).FullName())] = methods
	}
}
