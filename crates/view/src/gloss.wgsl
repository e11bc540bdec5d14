// How a surface answers light in a reduced picture. The engine's own program takes a processor about 2 us a pixel, untaken branches
// included. Sky and lamps are the same; there are no shadows and no fog.

#import bevy_pbr::{
    forward_io::{FragmentOutput, VertexOutput},
    mesh_view_bindings::{lights, view},
    pbr_bindings,
    pbr_types::STANDARD_MATERIAL_FLAGS_UNLIT_BIT,
}

// What comes from above, from around and from below, and how bright it is, cd/m2 (fourth of each).
struct Sky {
    above: vec4<f32>,
    around: vec4<f32>,
    below: vec4<f32>,
}

@group(#{MATERIAL_BIND_GROUP}) @binding(100) var<uniform> sky: Sky;

const PI: f32 = 3.14159265;

// The sky in a direction: evenly from the horizon to its ends, as a cube of one pixel a side gives it.
fn sky_at(way: vec3<f32>) -> vec3<f32> {
    let up = abs(way.y);
    let level = sqrt(max(1.0 - up * up, 0.0));
    let share = select(1.0 - 0.5 * level / max(up, 1e-4), 0.5 * up / max(level, 1e-4), up < level);
    let end = select(sky.below.rgb, sky.above.rgb, way.y > 0.0);
    return sky.around.a * mix(sky.around.rgb, end, share);
}

@fragment
fn fragment(in: VertexOutput, @builtin(front_facing) is_front: bool) -> FragmentOutput {
    let material = pbr_bindings::material;
    var base = material.base_color;
#ifdef VERTEX_UVS_A
    base *= textureSample(pbr_bindings::base_color_texture, pbr_bindings::base_color_sampler, in.uv);
#endif
    let towards = normalize(view.world_position - in.world_position.xyz);
    let normal = normalize(in.world_normal) * select(-1.0, 1.0, is_front);
    let diffuse = base.rgb * (1.0 - material.metallic);
    let head_on = 0.16 * material.reflectance * material.reflectance;
    let mirrored = mix(head_on, base.rgb, material.metallic);
    let roughness = material.perceptual_roughness * material.perceptual_roughness;
    // Of an even sky a surface mirrors its own share, less the rougher it is.
    let smoothness = 1.0 - 0.5 * material.perceptual_roughness;
    var light = diffuse * sky_at(normal) + mirrored * smoothness * sky_at(reflect(-towards, normal));
    for (var i = 0u; i < lights.n_directional_lights; i++) {
        let lamp = lights.directional_lights[i].direction_to_light;
        let middle = normalize(lamp + towards);
        let facing = max(dot(normal, lamp), 0.0);
        // Zioma 2015, "Optimizing PBR for Mobile": facets after Walter et al. 2007, and one term for how they hide each other and mirror.
        let upright = max(dot(normal, middle), 0.0);
        let along = max(dot(lamp, middle), 0.0);
        let lobe = upright * upright * (roughness * roughness - 1.0) + 1.0;
        let facets = roughness * roughness / (4.0 * PI * lobe * lobe * max(along * along, 0.1) * (roughness + 0.5));
        light += lights.directional_lights[i].color.rgb * facing * (diffuse / PI + mirrored * facets);
    }
    let is_unlit = (material.flags & STANDARD_MATERIAL_FLAGS_UNLIT_BIT) != 0u;
    var out: FragmentOutput;
    out.color = vec4(select(view.exposure * light, base.rgb, is_unlit), base.a);
    return out;
}
